"""First opens, clicks and unsubscribes in the table `activity`: one bounded write each, however often they are told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.names import PK, SHAPE, SK, TTL, Touched
from meghdoot.adapters.dynamodb.typed import typed_item
from meghdoot.areas.messaging.touching import Touch
from meghdoot.kernel.clock import iso, parse_iso

KEPT = timedelta(days=396)
"""Thirteen months, as everything in `activity`."""


class DynamoTouches:
    """Touches beside the send rows of the same customer."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def touch(self, touch: Touch) -> bool:
        item = {
            **_key(touch),
            SHAPE: 1,
            TTL: int((touch.at + KEPT).timestamp()),
            Touched.run_id: touch.run_id,
            Touched.touch: touch.kind,
            Touched.at: iso(touch.at),
            Touched.link: touch.link,
            Touched.reason: touch.reason,
        }
        put = {"TableName": self._table, "Item": typed_item(item), "ConditionExpression": "attribute_not_exists(pk)"}
        with answered():
            try:
                self._calls("PutItem", put)
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                return False
        return True

    def seen_at(self, touch: Touch) -> datetime | None:
        with answered():
            answer = self._calls("GetItem", {"TableName": self._table, "Key": typed_item(_key(touch))})
        return parse_iso(answer["Item"][Touched.at]["S"]) if "Item" in answer else None


def _key(touch: Touch) -> dict[str, Any]:
    return {
        PK: keys.customer_pk(touch.tenant, touch.customer_id),
        SK: keys.touch_sk(touch.send_key, touch.kind, touch.link),
    }
