"""BatchGetItem until everything that was asked for has been read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from meghdoot.adapters.dynamodb.calls import CallError, Calls
from meghdoot.kernel.errors import Throttled, Unavailable

_PER_CALL = 100
_ROUNDS = 8
_FIRST_PAUSE = 0.05


def batch_get(
    calls: Calls, table: str, keys: Sequence[tuple[str, str]], pause: Callable[[float], None] = time.sleep
) -> Iterator[Mapping[str, Any]]:
    """Items by (pk, sk), read consistently, in no order; absent ones are left out.

    Raises Throttled when the service leaves keys unprocessed again and again, Unavailable when it does not answer.
    """
    unique = list(dict.fromkeys(keys))
    for start in range(0, len(unique), _PER_CALL):
        wanted = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in unique[start : start + _PER_CALL]]
        yield from _read(calls, table, wanted, pause)


def _read(
    calls: Calls, table: str, wanted: list[dict[str, Any]], pause: Callable[[float], None]
) -> Iterator[Mapping[str, Any]]:
    for round_ in range(_ROUNDS):
        if round_:
            pause(_FIRST_PAUSE * 2**round_)
        request = {"RequestItems": {table: {"Keys": wanted, "ConsistentRead": True}}}
        try:
            answer = calls("BatchGetItem", request)
        except CallError as e:
            if "Throughput" not in e.code and "Throttl" not in e.code and "RequestLimit" not in e.code:
                raise Unavailable("the database does not answer") from e
            continue
        yield from answer.get("Responses", {}).get(table, [])
        wanted = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if not wanted:
            return
    raise Throttled("the database is busy", retry_after=1)
