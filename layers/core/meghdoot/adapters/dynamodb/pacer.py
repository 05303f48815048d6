"""The pacer and the watermark of evidence, in the table `work`."""

from __future__ import annotations

from datetime import datetime

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CallError, Calls
from meghdoot.areas.messaging.model import Lease
from meghdoot.areas.messaging.rules.pacing import Slots, reserve
from meghdoot.kernel.clock import iso, parse_iso
from meghdoot.kernel.errors import Unavailable

_SK = "W"
_CONTENDED_SECONDS = 0.05
_TRIES = 4


class DynamoPacer:
    """One item holds the line of slots of a provider's account: one write for a wave, not for a call."""

    def __init__(self, calls: Calls, table: str, granted: float) -> None:
        """`granted` is calls a second, as the provider's account says."""
        self._calls = calls
        self._table = table
        self._granted = granted

    def rate(self, provider: str, identity: str) -> float:
        return self._granted

    def lease(self, provider: str, identity: str, wanted: int, now: datetime) -> Lease:
        key = {"pk": {"S": keys.rate_pk(provider, identity)}, "sk": {"S": _SK}}
        for _ in range(_TRIES):
            stored = _item(self._calls, self._table, key).get("amt", {}).get("N", "0")
            slots = reserve(int(stored), int(now.timestamp() * 1e6), self._granted, wanted)
            if not slots.lease.count or self._swap(key, stored, slots):
                return slots.lease
        return Lease(0, _CONTENDED_SECONDS)

    def _swap(self, key: dict[str, dict[str, str]], stored: str, slots: Slots) -> bool:
        try:
            self._calls(
                "UpdateItem",
                {
                    "TableName": self._table,
                    "Key": key,
                    "UpdateExpression": "SET #amt = :next",
                    "ConditionExpression": "attribute_not_exists(#amt) OR #amt = :read",
                    "ExpressionAttributeNames": {"#amt": "amt"},
                    "ExpressionAttributeValues": {":next": {"N": str(slots.free_from)}, ":read": {"N": stored}},
                },
            )
        except CallError as e:
            if e.code == "ConditionalCheckFailedException":
                return False
            raise Unavailable("the database does not answer") from e
        return True


class DynamoEvidence:
    """The newest acceptance about which a provider's event was heard. It only moves forward."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def heard(self, provider: str, at: datetime) -> None:
        try:
            self._calls(
                "UpdateItem",
                {
                    "TableName": self._table,
                    "Key": _evidence_key(provider),
                    "UpdateExpression": "SET #body = :at",
                    "ConditionExpression": "attribute_not_exists(#body) OR #body < :at",
                    "ExpressionAttributeNames": {"#body": "body"},
                    "ExpressionAttributeValues": {":at": {"S": iso(at)}},
                },
            )
        except CallError as e:
            if e.code != "ConditionalCheckFailedException":
                raise Unavailable("the database does not answer") from e

    def watermark(self, provider: str) -> datetime | None:
        body = _item(self._calls, self._table, _evidence_key(provider)).get("body")
        return parse_iso(body["S"]) if body else None


def _evidence_key(provider: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": keys.evidence_pk(provider)}, "sk": {"S": _SK}}


def _item(calls: Calls, table: str, key: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    try:
        answer = calls("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
    except CallError as e:
        raise Unavailable("the database does not answer") from e
    return dict(answer.get("Item", {}))
