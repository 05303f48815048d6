"""Suppressed addresses in the table `people`: the address and the gate of its customer change in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from time import sleep
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, TRANSACTION_CANCELLED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.gate_items import gate_key
from meghdoot.adapters.dynamodb.names import PK, SHAPE, SK, Document, Gate
from meghdoot.adapters.dynamodb.typed import typed, typed_item
from meghdoot.areas.consent.model import CHANNEL_CODES, Channel, Suppression
from meghdoot.areas.consent.rules import channel_codes
from meghdoot.kernel.clock import iso, parse_iso
from meghdoot.kernel.errors import Throttled

KIND = "suppression"
_ATTEMPTS = 5
_FIRST_PAUSE = 0.02
_REFUSED = "ConditionalCheckFailed"


class DynamoSuppressions:
    """Suppressed addresses by key and channel."""

    def __init__(self, calls: Calls, table: str, pause: Callable[[float], None] = sleep) -> None:
        self._calls = calls
        self._table = table
        self._pause = pause

    def add(self, suppression: Suppression, customer_id: str | None) -> bool:
        if customer_id is None:
            return self._put_alone(suppression)
        for round_ in range(_ATTEMPTS):
            outcome = self._put_and_close(suppression, customer_id)
            if outcome is not None:
                return outcome
            self._pause(_FIRST_PAUSE * 2**round_)
        raise Throttled("the contact gate changes too fast", retry_after=1)

    def _put_and_close(self, suppression: Suppression, customer_id: str) -> bool | None:
        """Whether the address was new; None when another writer was in the way."""
        closing = self._closing(suppression.tenant, customer_id, suppression.channel)
        try:
            with answered():
                try:
                    actions = [{"Put": self._put(suppression)}, {"Update": closing}]
                    self._calls("TransactWriteItems", {"TransactItems": actions})
                except CallError as e:
                    if e.code != TRANSACTION_CANCELLED or _REFUSED not in e.reasons:
                        raise
                    reasons = e.reasons
                else:
                    return True
        except Throttled:
            return None
        if reasons[0] == _REFUSED:
            # The address stands already; its customer's gate may still be open (somebody who got it later).
            self._update(closing)
            return False
        return self._put_alone(suppression)

    def _put_alone(self, suppression: Suppression) -> bool:
        with answered():
            try:
                self._calls("PutItem", self._put(suppression))
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                return False
        return True

    def _put(self, suppression: Suppression) -> dict[str, Any]:
        body = {"reason": suppression.reason, "at": iso(suppression.at), "evidence": suppression.evidence}
        item: dict[str, str | int | None] = {
            **_plain_key(suppression.tenant, suppression.address_key, suppression.channel),
            SHAPE: 1,
            Document.tenant: suppression.tenant,
            Document.kind: KIND,
            Document.version: 1,
            Document.data: json.dumps(body),
        }
        return {"TableName": self._table, "Item": typed_item(item), "ConditionExpression": "attribute_not_exists(pk)"}

    def _closing(self, tenant: str, customer_id: str, channel: Channel) -> dict[str, Any]:
        # Refused where there is no gate, and where the channel is closed already: nothing to do in both cases.
        code = CHANNEL_CODES[channel]
        return {
            "TableName": self._table,
            "Key": gate_key(tenant, customer_id),
            "UpdateExpression": "SET #v = #v + :one ADD #x :channels DELETE #c :codes",
            "ConditionExpression": "attribute_exists(#v) AND (attribute_not_exists(#x) OR NOT contains(#x, :channel))",
            "ExpressionAttributeNames": {"#v": Gate.version, "#x": Gate.suppressed, "#c": Gate.granted},
            "ExpressionAttributeValues": {
                ":one": typed(1),
                ":channel": typed(code),
                ":channels": typed(frozenset({code})),
                ":codes": typed(frozenset(channel_codes(channel))),
            },
        }

    def _update(self, update: Mapping[str, Any]) -> None:
        with answered():
            try:
                self._calls("UpdateItem", update)
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise

    def get(self, tenant: str, address_key: str, channel: Channel) -> Suppression | None:
        key = typed_item(_plain_key(tenant, address_key, channel))
        with answered():
            answer = self._calls("GetItem", {"TableName": self._table, "Key": key, "ConsistentRead": True})
        if "Item" not in answer:
            return None
        body = json.loads(answer["Item"][Document.data]["S"])
        return Suppression(tenant, address_key, channel, body["reason"], parse_iso(body["at"]), body["evidence"])

    def remove(self, tenant: str, address_key: str, channel: Channel, customer_id: str | None) -> None:
        with answered():
            key = typed_item(_plain_key(tenant, address_key, channel))
            self._calls("DeleteItem", {"TableName": self._table, "Key": key})
        if customer_id is not None:
            self._update(self._lifting(tenant, customer_id, channel))

    def _lifting(self, tenant: str, customer_id: str, channel: Channel) -> dict[str, Any]:
        code = CHANNEL_CODES[channel]
        return {
            "TableName": self._table,
            "Key": gate_key(tenant, customer_id),
            "UpdateExpression": "SET #v = #v + :one DELETE #x :channels",
            "ConditionExpression": "contains(#x, :channel)",
            "ExpressionAttributeNames": {"#v": Gate.version, "#x": Gate.suppressed},
            "ExpressionAttributeValues": {
                ":one": typed(1),
                ":channel": typed(code),
                ":channels": typed(frozenset({code})),
            },
        }


def _plain_key(tenant: str, address_key: str, channel: Channel) -> dict[str, str]:
    return {PK: keys.suppression_pk(tenant, address_key), SK: channel}
