"""Many items in few calls: put-if-absent and reads in batches, repeated until every item has its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from meghdoot.adapters.dynamodb.calls import THROTTLES, CallError, Calls, translated_error
from meghdoot.kernel.errors import Throttled, Unavailable

T = TypeVar("T")

INSERTS_A_CALL, READS_A_CALL = 25, 100
_ATTEMPTS = 9
_FIRST_PAUSE = 0.025


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches on one table. `by_items` writes one by one, for a substrate that does not run statements.

    Pauses double from 25 ms, about 6 seconds in all, then Throttled is raised: what was written stays written.
    """

    calls: Calls
    table: str
    by_items: bool = False
    pause: Callable[[float], None] = time.sleep

    def insert(self, items: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Put each (typed) item if its key is free; says, in order, which were. A key twice in a call is new once."""
        fates: dict[tuple[str, str], bool] = {}
        unique = {_key(item): item for item in reversed(items)}
        for batch in slices([unique[key] for key in dict.fromkeys(_key(item) for item in items)], INSERTS_A_CALL):
            fates |= self._insert_batch(batch)
        # The first mention of a key carries its fate; the others are repetitions.
        return [fates.pop(_key(item), False) for item in items]

    def _insert_batch(self, batch: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], bool]:
        fates: dict[tuple[str, str], bool] = {}
        left = list(batch)
        for attempt in range(_ATTEMPTS):
            codes = self._put(left)
            fates |= {_key(item): code is None for item, code in zip(left, codes, strict=True) if code not in THROTTLES}
            left = [item for item, code in zip(left, codes, strict=True) if code in THROTTLES]
            if not left:
                return fates
            self.pause(_FIRST_PAUSE * 2**attempt)
        raise Throttled("the database is busy", retry_after=1)

    def _put(self, items: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """None for each item that was new, `DuplicateItem` for a taken key, or the code of a throttle."""
        if self.by_items:
            return [self._put_one(item) for item in items]
        statements = [_statement(self.table, item) for item in items]
        try:
            answer = self.calls("BatchExecuteStatement", {"Statements": statements})
        except CallError as e:
            if e.code in THROTTLES:
                return [e.code] * len(items)
            raise translated_error(e) from e
        codes = [response.get("Error", {}).get("Code") for response in answer["Responses"]]
        foreign = {code for code in codes if code not in (None, "DuplicateItem") and code not in THROTTLES}
        if foreign:
            raise Unavailable(f"the database refused a statement: {', '.join(sorted(foreign))}")
        return codes

    def _put_one(self, item: Mapping[str, Any]) -> str | None:
        payload = {"TableName": self.table, "Item": dict(item), "ConditionExpression": "attribute_not_exists(pk)"}
        try:
            self.calls("PutItem", payload)
        except CallError as e:
            if e.code == "ConditionalCheckFailedException":
                return "DuplicateItem"
            if e.code in THROTTLES:
                return e.code
            raise translated_error(e) from e
        return None

    def read(self, keys: Sequence[tuple[str, str]], *, consistent: bool = True) -> list[dict[str, Any]]:
        """The (typed) items that exist, in any order; repeated keys are read once. Inconsistently for half the price."""
        found: list[dict[str, Any]] = []
        for batch in slices(list(dict.fromkeys(keys)), READS_A_CALL):
            found += self._read_batch([{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in batch], consistent)
        return found

    def _read_batch(self, wanted: list[dict[str, Any]], consistent: bool) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        left = wanted
        for attempt in range(_ATTEMPTS):
            try:
                asked = {"Keys": left, "ConsistentRead": consistent}
                answer = self.calls("BatchGetItem", {"RequestItems": {self.table: asked}})
            except CallError as e:
                if e.code not in THROTTLES:
                    raise translated_error(e) from e
            else:
                found += answer["Responses"].get(self.table, [])
                left = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if not left:
                return found
            self.pause(_FIRST_PAUSE * 2**attempt)
        raise Throttled("the database is busy", retry_after=1)


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _statement(table: str, item: Mapping[str, Any]) -> dict[str, Any]:
    names = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{names}}}', "Parameters": list(item.values())}
