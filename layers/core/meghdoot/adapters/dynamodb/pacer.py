"""The pacer and the watermark of evidence, in the table `work`."""

from __future__ import annotations

from datetime import datetime

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls
from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.areas.messaging.rules.pacing import AHEAD_SECONDS, length, reserve
from meghdoot.kernel.clock import iso, parse_iso
from meghdoot.kernel.errors import Unavailable

_SK = "W"
_CONTENDED_SECONDS = 0.05
_TRIES = 4
_ADD = {
    "UpdateExpression": "SET #amt = #amt + :slots",
    "ConditionExpression": "#amt BETWEEN :now AND :furthest",
}
_BEGIN = {
    "UpdateExpression": "SET #amt = :next",
    "ConditionExpression": "attribute_not_exists(#amt) OR #amt <= :now",
}


class DynamoPacer:
    """One item holds the end of the line of slots of a provider's account: one write for a wave, not for a call.

    A write appends to the line without knowing where it ends, so that senders do not get into each other's way: it adds
    while the line reaches beyond now, and begins anew at now when the line has run out. Which of both is first tried
    follows from what this process last saw; a refusal tells how things stand.
    """

    def __init__(self, calls: Calls, table: str, granted: float) -> None:
        """`granted` is calls a second, as the provider's account says."""
        self._calls = calls
        self._table = table
        self._granted = granted
        self._seen: dict[str, int] = {}

    def rate(self, provider: str, identity: str) -> float:
        return self._granted

    def lease(self, demand: Demand, wanted: int, now: datetime) -> Lease:
        pk, at = keys.rate_pk(demand.provider, demand.identity), int(now.timestamp() * 1e6)
        for _ in range(_TRIES):
            # The line never gets shorter: whoever once saw it reach too far need not ask.
            known = reserve(self._seen.get(pk, 0), at, self._granted, wanted)
            if not known.lease.count:
                return known.lease
            begin = self._append(pk, at, length(self._granted, known.lease.count))
            if begin is not None:
                return reserve(begin, at, self._granted, wanted).lease
        return Lease(0, _CONTENDED_SECONDS)

    def _append(self, pk: str, now: int, slots: int) -> int | None:
        """Where the appended slots begin; None when the line was not as it was last seen."""
        adds = self._seen.get(pk, 0) > now
        change = _ADD if adds else _BEGIN
        furthest = now + round(AHEAD_SECONDS * 1e6)
        values = {":slots": slots, ":now": now, ":furthest": furthest} if adds else {":next": now + slots, ":now": now}
        try:
            answer = self._calls(
                "UpdateItem",
                {
                    "TableName": self._table,
                    "Key": {"pk": {"S": pk}, "sk": {"S": _SK}},
                    **change,
                    "ExpressionAttributeNames": {"#amt": "amt"},
                    "ExpressionAttributeValues": {name: {"N": str(value)} for name, value in values.items()},
                    "ReturnValues": "UPDATED_NEW",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                },
            )
        except CallError as e:
            if e.code != CONDITION_FAILED:
                raise Unavailable("the database does not answer") from e
            self._seen[pk] = int(e.body.get("Item", {}).get("amt", {}).get("N", "0"))
            return None
        self._seen[pk] = int(answer["Attributes"]["amt"]["N"])
        return self._seen[pk] - slots


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
