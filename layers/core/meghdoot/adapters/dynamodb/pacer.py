"""What pacing keeps in the table `work`: frames of slots, tallies, the provider's grant, and notes of runs that wait."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls, answered
from meghdoot.areas.messaging.pacing_model import FrameName, Page, Reading, Stall, StallReason
from meghdoot.areas.messaging.rules.stalling import GRACE
from meghdoot.kernel.clock import iso, parse_iso

_SK, _WAITING_SK = "W", "WAITING"
_TRIES = 3
_STALL_KEPT = timedelta(days=14)


class DynamoRateBook:
    """A frame is an item in a partition of its own: it takes one write of each sender, and is gone with its second."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def look(self, frames: Sequence[FrameName]) -> tuple[list[Page], frozenset[str]]:
        waiting = (keys.rate_pk(frames[0].line), _WAITING_SK)
        wanted = [(_frame_pk(frame), _SK) for frame in frames]
        with answered():
            found = {(i["pk"]["S"], i["sk"]["S"]): i for i in batch_get(self._calls, self._table, [*wanted, waiting])}
        return [_page(found.get(key, {})) for key in wanted], _page(found.get(waiting, {})).words

    def claim(self, frame: FrameName, combs: Collection[int], word: str, expires_at: int) -> tuple[bool, Page]:
        numbers = [str(comb) for comb in sorted(combs)]
        values: dict[str, Any] = {":word": {"SS": [word]}, ":ttl": {"N": str(expires_at)}}
        names = {"#w": "w", "#ttl": "ttl"}
        change, condition = "SET #ttl = :ttl ADD #w :word", {}
        if numbers:
            names["#tk"] = "tk"
            values |= {":combs": {"SS": numbers}} | {f":c{number}": {"S": number} for number in numbers}
            free = " AND ".join(f"NOT contains(#tk, :c{number})" for number in numbers)
            change, condition = f"{change}, #tk :combs", {"ConditionExpression": free}
        payload = {
            "TableName": self._table, "Key": _key(_frame_pk(frame), _SK), "UpdateExpression": change, **condition,
            "ExpressionAttributeNames": names, "ExpressionAttributeValues": values, "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }  # fmt: skip
        with answered():
            try:
                return True, _page(self._calls("UpdateItem", payload).get("Attributes", {}))
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                page = _page(e.body.get("Item", {}))
        # A reply that was lost and asked for again meets its own work: nobody else writes our word.
        return word in page.words, page

    def wait(self, line: str, word: str, expires_at: int) -> None:
        self._words(line, "SET #ttl = :ttl ADD #w :words", [word], {":ttl": {"N": str(expires_at)}}, {"#ttl": "ttl"})

    def forget(self, line: str, words: Collection[str]) -> None:
        self._words(line, "DELETE #w :words", sorted(words), {}, {})

    def _words(
        self, line: str, change: str, words: Sequence[str], values: Mapping[str, Any], names: Mapping[str, str]
    ) -> None:
        with answered():
            self._calls(
                "UpdateItem",
                {
                    "TableName": self._table,
                    "Key": _key(keys.rate_pk(line), _WAITING_SK),
                    "UpdateExpression": change,
                    "ExpressionAttributeNames": {"#w": "w", **names},
                    "ExpressionAttributeValues": {":words": {"SS": list(words)}, **values},
                },
            )


class DynamoTallies:
    """One item a key; an addition that would pass the limit is refused and tells how things stand."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def take(self, key: str, wanted: int, limit: int, expires_at: int) -> int:
        count = min(wanted, limit)
        for _ in range(_TRIES):
            if count <= 0:
                return 0
            refused = self._added(key, count, limit, expires_at)
            if refused is None:
                return count
            count = min(count, limit - refused)
        return 0

    def _added(self, key: str, count: int, limit: int, expires_at: int) -> int | None:
        """None when it was counted, else the sum that stood in the way."""
        values = {":n": count, ":most": limit - count, ":zero": 0, ":ttl": expires_at}
        payload = {
            "TableName": self._table, "Key": _key(key, _SK),
            "UpdateExpression": "SET #amt = if_not_exists(#amt, :zero) + :n, #ttl = :ttl",
            "ConditionExpression": "attribute_not_exists(#amt) OR #amt <= :most",
            "ExpressionAttributeNames": {"#amt": "amt", "#ttl": "ttl"},
            "ExpressionAttributeValues": {name: {"N": str(value)} for name, value in values.items()},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }  # fmt: skip
        with answered():
            try:
                self._calls("UpdateItem", payload)
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                return int(e.body.get("Item", {}).get("amt", {}).get("N", "0"))
        return None

    def sums(self, keys: Sequence[str]) -> list[int]:
        with answered():
            items = batch_get(self._calls, self._table, [(key, _SK) for key in keys])
            found = {item["pk"]["S"]: int(item.get("amt", {}).get("N", "0")) for item in items}
        return [found.get(key, 0) for key in keys]


class DynamoReadings:
    """The newest reading of an account, as one item."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def get(self, line: str) -> Reading | None:
        with answered():
            key = {"TableName": self._table, "Key": _key(keys.rate_pk(line), _SK), "ConsistentRead": True}
            body = self._calls("GetItem", key).get("Item", {}).get("body")
        return None if body is None else _reading(json.loads(body["S"]))

    def put(self, line: str, reading: Reading) -> None:
        item = {**_key(keys.rate_pk(line), _SK), "body": {"S": json.dumps(_plain_reading(reading))}}
        with answered():
            self._calls("PutItem", {"TableName": self._table, "Item": item})


class DynamoStalls:
    """One item a run: `own` the reason, `body` since when, `until` when it is tried again."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def note(self, tenant: str, run_id: str, reason: StallReason, now: datetime, until: datetime) -> None:
        ends = int(until.timestamp())
        lives = {":why": {"S": reason}, ":live": {"N": str(int((now - GRACE).timestamp()))}}
        if self._goes_on(tenant, run_id, lives, ends):
            return
        item = {
            **_key(keys.stall_pk(tenant, run_id), _SK), "own": {"S": reason}, "body": {"S": iso(now)},
            "until": {"N": str(ends)}, "ttl": {"N": str(int((until + _STALL_KEPT).timestamp()))},
        }  # fmt: skip
        with answered():
            self._calls("PutItem", {"TableName": self._table, "Item": item})

    def _goes_on(self, tenant: str, run_id: str, lives: Mapping[str, Any], ends: int) -> bool:
        payload = {
            "TableName": self._table, "Key": _key(keys.stall_pk(tenant, run_id), _SK),
            "UpdateExpression": "SET #until = :until", "ConditionExpression": "#own = :why AND #until >= :live",
            "ExpressionAttributeNames": {"#until": "until", "#own": "own"},
            "ExpressionAttributeValues": {":until": {"N": str(ends)}, **lives},
        }  # fmt: skip
        with answered():
            try:
                self._calls("UpdateItem", payload)
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                return False
        return True

    def get(self, tenant: str, run_id: str) -> Stall | None:
        with answered():
            key = {"TableName": self._table, "Key": _key(keys.stall_pk(tenant, run_id), _SK)}
            item = self._calls("GetItem", key).get("Item")
        if not item:
            return None
        since = parse_iso(item["body"]["S"])
        return Stall(item["own"]["S"], since, datetime.fromtimestamp(int(item["until"]["N"]), since.tzinfo))


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _frame_pk(frame: FrameName) -> str:
    return keys.rate_frame_pk(frame.line, frame.rate, frame.number)


def _page(item: Mapping[str, Any]) -> Page:
    taken = frozenset(int(number) for number in item.get("tk", {}).get("SS", []))
    return Page(taken, frozenset(item.get("w", {}).get("SS", [])))


def _plain_reading(reading: Reading) -> dict[str, Any]:
    return {
        "rate": reading.rate, "before": reading.before, "switch_at": iso(reading.switch_at), "max_24h": reading.max_24h,
        "others_24h": reading.others_24h, "read_at": iso(reading.read_at), "enabled": reading.sending_enabled,
        "sandbox": reading.in_sandbox,
    }  # fmt: skip


def _reading(data: Mapping[str, Any]) -> Reading:
    return Reading(
        float(data["rate"]), data["before"], parse_iso(data["switch_at"]), data["max_24h"], int(data["others_24h"]),
        parse_iso(data["read_at"]), bool(data.get("enabled", True)), bool(data.get("sandbox", False)),
    )  # fmt: skip
