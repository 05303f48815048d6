"""The fixed statements of the send protocol, each in two forms that mean the same.

A `Statement` carries its PartiQL text and parameters, and the conditional PutItem or UpdateItem with the same effect. The
second form serves a substrate that answers ok to a PartiQL statement whose condition is false. Attribute names are those
of `models` (tested).

A batch holds at most 25 statements and touches no item twice. Each statement has its own result: throttles and conflicts
with transactions come back one by one and are repeated here, after a growing pause. An internal error of the service
leaves open whether the statement was applied; repeating it is harmless, since every statement recognises or survives its
own work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meghdoot.adapters.dynamodb.calls import CallError, Calls
from meghdoot.kernel.errors import Throttled, Unavailable

MAX_BATCH = 25
_ROUNDS = 8
_FIRST_PAUSE = 0.05

_THROTTLED = frozenset(
    {"ThrottlingError", "Throttling", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "TransactionConflict"}
)
_AGAIN = _THROTTLED | {"InternalServerError"}
_REFUSED = frozenset({"ConditionalCheckFailed", "DuplicateItem"})

Value = Mapping[str, Any]
"""An attribute value in the API's own form, such as {"S": "text"}."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and the item call that does the same."""

    text: str
    parameters: tuple[Value, ...]
    operation: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """`applied`, or refused by the condition, with the item as it stands (None when it is absent or not told).

    Of an applied statement only one that asks for it tells the item, and only when it is alone in its batch.
    """

    applied: bool
    item: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Statements:
    """Runs statements. `as_items` chooses the second form; `pause` sleeps between rounds (seconds)."""

    calls: Calls
    as_items: bool = False
    pause: Callable[[float], None] = field(default=time.sleep)

    def run(self, statements: Sequence[Statement]) -> list[Result]:
        """Results in order, any number of statements. Raises Throttled or Unavailable when repeating did not help."""
        results: list[Result] = []
        for start in range(0, len(statements), MAX_BATCH):
            results += self._batch(statements[start : start + MAX_BATCH])
        return results

    def _batch(self, statements: Sequence[Statement]) -> list[Result]:
        results: dict[int, Result] = {}
        waiting = list(range(len(statements)))
        codes: list[str] = []
        for round_ in range(_ROUNDS):
            if round_:
                self.pause(_FIRST_PAUSE * 2**round_)
            answers = self._once([statements[n] for n in waiting])
            codes = []
            for n, (code, item) in zip(tuple(waiting), answers, strict=True):
                if code in _AGAIN:
                    codes.append(code)
                    continue
                if code and code not in _REFUSED:
                    raise Unavailable(f"the database refused a statement: {code}")
                results[n] = Result(not code, item)
            waiting = [n for n in waiting if n not in results]
            if not waiting:
                return [results[n] for n in range(len(statements))]
        if all(code in _THROTTLED for code in codes):
            raise Throttled("the database is busy", retry_after=1)
        raise Unavailable("the database does not answer")

    def _once(self, statements: Sequence[Statement]) -> list[tuple[str, Value | None]]:
        if self.as_items:
            return [self._call(s.operation, s.payload) for s in statements]
        if len(statements) == 1:
            single = statements[0]
            request = _request(single.text, single.parameters)
            return [self._call("ExecuteStatement", request)]
        requests = [_request(s.text, s.parameters) for s in statements]
        try:
            answer = self.calls("BatchExecuteStatement", {"Statements": requests})
        except CallError as e:
            return [(_plain(e.code), None)] * len(statements)
        return [_outcome(response) for response in answer["Responses"]]

    def _call(self, operation: str, payload: Mapping[str, Any]) -> tuple[str, Value | None]:
        try:
            answer = self.calls(operation, payload)
        except CallError as e:
            return _plain(e.code), e.body.get("Item")
        return "", next(iter(answer.get("Items", ())), answer.get("Attributes"))


def _request(text: str, parameters: Sequence[Value]) -> dict[str, Any]:
    request: dict[str, Any] = {"Statement": text, "Parameters": list(parameters)}
    if not text.startswith("INSERT"):
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request


def _outcome(response: Mapping[str, Any]) -> tuple[str, Value | None]:
    error = response.get("Error")
    if error is None:
        return "", None
    return _plain(error["Code"]), error.get("Item")


def _plain(code: str) -> str:
    """One name for a code, whether it came for a statement or for a whole call."""
    name = code.removesuffix("Exception")
    return "InternalServerError" if name in ("Unreachable", "InternalFailure", "ServiceUnavailable") else name
