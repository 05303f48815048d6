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
from meghdoot.areas.analytics.model import WHOLE_TENANT, Counter, CounterKey
from meghdoot.areas.analytics.reputation_rules import Hours, Mark
from meghdoot.kernel.clock import iso, parse_iso

_KEPT = timedelta(days=400)
"""As long as the rows that are counted, and some days more."""
_HOURS_KEPT = timedelta(days=20)
_AFTER_ALL_HOURS = "99999999"


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

    def hours(self, tenant: str, since: str) -> Hours:
        hours: dict[str, list[Mapping[str, int]]] = {}
        for item in self._items(keys.counters_pk(tenant, WHOLE_TENANT), since):
            hours.setdefault(item[SK]["S"].partition("#")[0], []).append(_sums(item))
        return {hour: total(sums) for hour, sums in hours.items()}

    def _items(self, pk: str, since: str | None = None) -> Iterator[dict[str, Any]]:
        payload: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": PK},
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
        }
        if since is not None:
            payload["KeyConditionExpression"] += " AND #sk BETWEEN :since AND :end"
            payload["ExpressionAttributeNames"]["#sk"] = SK
            payload["ExpressionAttributeValues"] |= {":since": {"S": since}, ":end": {"S": _AFTER_ALL_HOURS}}
        while True:
            with answered():
                page = self._calls("Query", payload)
            yield from page.get("Items", [])
            if "LastEvaluatedKey" not in page:
                return
            payload["ExclusiveStartKey"] = page["LastEvaluatedKey"]


class DynamoReputationMarks:
    """One item a tenant that went on after a stop, beside its hours."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def get(self, tenant: str) -> Mark | None:
        with answered():
            found = self._calls("GetItem", {"TableName": self._table, "Key": _mark_key(tenant), "ConsistentRead": True})
        item = found.get("Item")
        return Mark(tenant, parse_iso(item[Counting.last_sequence]["S"]), _sums(item)) if item else None

    def put(self, mark: Mark) -> None:
        item = _mark_key(mark.tenant) | {
            Counting.last_sequence: {"S": iso(mark.at)},
            Counting.sums: {"S": json.dumps(dict(mark.counted), sort_keys=True)},
            TTL: {"N": str(int((mark.at + _HOURS_KEPT).timestamp()))},
        }
        with answered():
            self._calls("PutItem", {"TableName": self._table, "Item": item})


def _mark_key(tenant: str) -> dict[str, Any]:
    return {PK: {"S": keys.counters_pk(tenant, WHOLE_TENANT)}, SK: {"S": keys.REPUTATION_MARK_SK}}


def _key(key: CounterKey) -> dict[str, Any]:
    pk = keys.counters_pk(key.tenant, key.run_id)
    return {PK: {"S": pk}, SK: {"S": f"{key.day}#{key.stream}#{key.shard}"}}


def _item(key: CounterKey, counter: Counter) -> dict[str, Any]:
    kept = _KEPT if key.run_id else _HOURS_KEPT
    forgotten = datetime.strptime(key.day[:8], "%Y%m%d").replace(tzinfo=UTC) + kept
    return _key(key) | {
        Counting.last_sequence: {"S": counter.last_sequence},
        Counting.sums: {"S": json.dumps(dict(counter.sums), sort_keys=True, separators=(",", ":"))},
        TTL: {"N": str(int(forgotten.timestamp()))},
    }


def _sums(item: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(count) for name, count in json.loads(item[Counting.sums]["S"]).items()}
