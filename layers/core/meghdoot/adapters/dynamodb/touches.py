"""First opens, clicks and unsubscribes in the table `activity`: one bounded write each, however often they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from meghdoot.adapters.dynamodb import keys as place
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.names import PK, SHAPE, SK, TTL, Touched
from meghdoot.adapters.dynamodb.typed import typed_item
from meghdoot.areas.messaging.touching import TOLD, Touch
from meghdoot.kernel.clock import iso, parse_iso

KEPT = timedelta(days=396)
"""Thirteen months, as everything in `activity`."""


class DynamoTouches:
    """Touches beside the send rows of the same customer."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def touch(self, touch: Touch) -> bool:
        return self._kept(touch) is None

    def clicked(self, touch: Touch) -> int | None:
        before = self._kept(touch)
        return None if before is None else int(before.get(Touched.link, {}).get("N", "0"))

    def _kept(self, touch: Touch) -> dict[str, Any] | None:
        """Store a touch; the item that was there before it, if one was."""
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
        put = {
            "TableName": self._table,
            "Item": typed_item(item),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        with answered():
            try:
                self._calls("PutItem", put)
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                return dict(e.body.get("Item") or {})
        return None

    def seen_at(self, touch: Touch) -> datetime | None:
        with answered():
            answer = self._calls("GetItem", {"TableName": self._table, "Key": typed_item(_key(touch))})
        return parse_iso(answer["Item"][Touched.at]["S"]) if "Item" in answer else None

    def first_of(self, tenant: str, keys: Sequence[tuple[str, str]]) -> dict[str, dict[str, datetime]]:
        wanted = [
            (place.customer_pk(tenant, customer), place.touch_sk(key, kind)) for customer, key in keys for kind in TOLD
        ]
        found: dict[str, dict[str, datetime]] = {}
        for item in batch_get(self._calls, self._table, wanted, consistent=False):
            _, key, kind = item[SK]["S"].split("#")
            found.setdefault(key, {})[kind] = parse_iso(item[Touched.at]["S"])
        return found


def _key(touch: Touch) -> dict[str, Any]:
    return {
        PK: place.customer_pk(touch.tenant, touch.customer_id),
        SK: place.touch_sk(touch.send_key, touch.kind, touch.place_link),
    }
