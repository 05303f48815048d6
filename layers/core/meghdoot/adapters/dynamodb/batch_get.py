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
    calls: Calls,
    table: str,
    keys: Sequence[tuple[str, str]],
    pause: Callable[[float], None] = time.sleep,
    *,
    consistent: bool = True,
) -> Iterator[Mapping[str, Any]]:
    """Items by (pk, sk), in no order; absent ones are left out. Half as dear where it need not be consistent.

    Raises Throttled when the service leaves keys unprocessed again and again, Unavailable when it does not answer.
    """
    unique = list(dict.fromkeys(keys))
    for start in range(0, len(unique), _PER_CALL):
        wanted = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in unique[start : start + _PER_CALL]]
        yield from _read(calls, table, {"Keys": wanted, "ConsistentRead": consistent}, pause)


def _read(
    calls: Calls, table: str, asked: dict[str, Any], pause: Callable[[float], None]
) -> Iterator[Mapping[str, Any]]:
    for round_ in range(_ROUNDS):
        if round_:
            pause(_FIRST_PAUSE * 2**round_)
        try:
            answer = calls("BatchGetItem", {"RequestItems": {table: asked}})
        except CallError as e:
            if "Throughput" not in e.code and "Throttl" not in e.code and "RequestLimit" not in e.code:
                raise Unavailable("the database does not answer") from e
            continue
        yield from answer.get("Responses", {}).get(table, [])
        left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if not left:
            return
        asked = {**asked, "Keys": left}
    raise Throttled("the database is busy", retry_after=1)
