"""Counters of runs in the table `work`: one item a run, day, stream and shard, written by one reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.names import PK, SK, TTL, Counting
from meghdoot.areas.analytics.counting import total
from meghdoot.areas.analytics.model import Counter, CounterKey

_KEPT = timedelta(days=400)
"""As long as the rows that are counted, and some days more."""


class DynamoCounters:
    """Both sides: the reader of the stream writes, reports ask for totals."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def read(self, key: CounterKey) -> Counter | None:
        with answered():
            found = self._calls("GetItem", {"TableName": self._table, "Key": _key(key), "ConsistentRead": True})
        item = found.get("Item")
        return Counter(item[Counting.last_sequence]["S"], _sums(item)) if item else None

    def write(self, key: CounterKey, counter: Counter, expected: str | None) -> bool:
        payload: dict[str, Any] = {
            "TableName": self._table,
            "Item": _item(key, counter),
            "ConditionExpression": "attribute_not_exists(#seq)" if expected is None else "#seq = :seen",
            "ExpressionAttributeNames": {"#seq": Counting.last_sequence},
        }
        if expected is not None:
            payload["ExpressionAttributeValues"] = {":seen": {"S": expected}}
        with answered():
            try:
                self._calls("PutItem", payload)
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                return False
        return True

    def totals(self, tenant: str, run_id: str) -> Mapping[str, int]:
        return total(_sums(item) for item in self._items(keys.counters_pk(tenant, run_id)))

    def _items(self, pk: str) -> Iterator[dict[str, Any]]:
        payload: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": PK},
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
        }
        while True:
            with answered():
                page = self._calls("Query", payload)
            yield from page.get("Items", [])
            if "LastEvaluatedKey" not in page:
                return
            payload["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _key(key: CounterKey) -> dict[str, Any]:
    pk = keys.counters_pk(key.tenant, key.run_id)
    return {PK: {"S": pk}, SK: {"S": f"{key.day}#{key.stream}#{key.shard}"}}


def _item(key: CounterKey, counter: Counter) -> dict[str, Any]:
    forgotten = datetime.strptime(key.day, "%Y%m%d").replace(tzinfo=UTC) + _KEPT
    return _key(key) | {
        Counting.last_sequence: {"S": counter.last_sequence},
        Counting.sums: {"S": json.dumps(dict(counter.sums), sort_keys=True, separators=(",", ":"))},
        TTL: {"N": str(int(forgotten.timestamp()))},
    }


def _sums(item: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(count) for name, count in json.loads(item[Counting.sums]["S"]).items()}
