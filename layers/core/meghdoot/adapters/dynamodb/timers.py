"""Timers in the table `work`: by minute and shard, walked from a stored minute before which none is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import Calls, answered
from meghdoot.adapters.dynamodb.names import Worked
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.clock import iso, parse_iso

TIMER_SHARDS = 64
SINGLE_TIMERS, SINGLE_TIMER_SHARDS = "SINGLE", 16
"""Looks at single messages: 16 shards take 1,600 messages a second at 100 writes a second a key."""
_MARGIN = timedelta(minutes=2)
"""The low-water minute stays this far behind, so that a timer for `now` written by a slow hand is still found."""
_BODY = Worked.body


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


class DynamoTimers:
    """Timers of things by minute and shard; the walk begins at a stored minute before which nothing is left."""

    def __init__(self, calls: Calls, table: str, shards: int = TIMER_SHARDS, kind: str = "TIMER") -> None:
        self._calls = calls
        self._table = table
        self._shards = shards
        self._kind = kind
        self._low_key = {"pk": {"S": keys.timers_low_water_pk(kind)}, "sk": {"S": "LOW"}}

    def put(self, tenant: str, thing: str, at: datetime) -> None:
        low = self._low_water()
        if low is not None and at < low:
            # The walk has passed that minute for good: wake at the next tick instead.
            at = low + _MARGIN
        item = {**self._key(tenant, thing, at), _BODY: {"S": f"{tenant}#{thing}"}}
        with answered():
            self._calls("PutItem", {"TableName": self._table, "Item": item})

    def due(self, until: datetime, limit: int = 100) -> list[tuple[str, str, datetime]]:
        last = _minute(until)
        start = self._low_water() or last - _MARGIN
        found: list[tuple[str, str, datetime]] = []
        minute, low = start, None
        while minute <= last and len(found) < limit:
            ready = sorted(self._of_minute(minute))
            if ready and low is None:
                low = minute
            found += [(tenant, thing, at) for at, tenant, thing in ready if at <= until]
            minute += timedelta(minutes=1)
        self._raise_low_water(min(low or minute, last - _MARGIN), start)
        return found[:limit]

    def drop(self, tenant: str, thing: str, at: datetime) -> None:
        with answered():
            self._calls("DeleteItem", {"TableName": self._table, "Key": self._key(tenant, thing, at)})

    def _key(self, tenant: str, thing: str, at: datetime) -> dict[str, Any]:
        shard = bucket("timer", thing, self._shards)
        return {
            "pk": {"S": keys.timer_pk(at.astimezone(UTC), shard, self._kind)},
            "sk": {"S": f"{iso(at)}#{at.microsecond:06d}#{tenant}#{thing}"},
        }

    def _of_minute(self, minute: datetime) -> Iterator[tuple[datetime, str, str]]:
        for shard in range(self._shards):
            payload: dict[str, Any] = {
                "TableName": self._table,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": keys.timer_pk(minute, shard, self._kind)}},
                # Not consistent, at half the price: the margin reads every minute again, so that a late look misses nothing.
            }
            while True:
                with answered():
                    page = self._calls("Query", payload)
                for item in page.get("Items", []):
                    yield _timer(item)
                if "LastEvaluatedKey" not in page:
                    break
                payload["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _low_water(self) -> datetime | None:
        with answered():
            answer = self._calls("GetItem", {"TableName": self._table, "Key": self._low_key, "ConsistentRead": True})
        item = answer.get("Item")
        return parse_iso(item[_BODY]["S"]) if item else None

    def _raise_low_water(self, to: datetime, seen: datetime) -> None:
        if to <= seen and self._low_water() is not None:
            return
        with answered():
            self._calls("PutItem", {"TableName": self._table, "Item": {**self._low_key, _BODY: {"S": iso(to)}}})


def _timer(item: dict[str, Any]) -> tuple[datetime, str, str]:
    due, micros, _ = item["sk"]["S"].split("#", 2)
    tenant, _, thing = item[_BODY]["S"].partition("#")
    return parse_iso(due).replace(microsecond=int(micros)), tenant, thing


class DynamoSingleTimers(DynamoTimers):
    """The worklist of the sweeper of single messages."""

    def __init__(self, calls: Calls, table: str) -> None:
        super().__init__(calls, table, SINGLE_TIMER_SHARDS, SINGLE_TIMERS)

    def set(self, tenant: str, message_id: str, at: datetime) -> None:
        self.put(tenant, message_id, at)

    def done(self, tenant: str, message_id: str, at: datetime) -> None:
        self.drop(tenant, message_id, at)
