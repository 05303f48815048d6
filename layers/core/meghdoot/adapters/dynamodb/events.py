"""The customers' events in the table `activity`: each stored once, in batches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.batches import Batches
from meghdoot.adapters.dynamodb.calls import CallError, translated_error
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.typed import Plain, typed, typed_item
from meghdoot.areas.customers.model import Event
from meghdoot.kernel.clock import iso, parse_iso
from meghdoot.kernel.errors import Malformed
from meghdoot.kernel.paging import Page

KEPT = timedelta(days=397)
"""13 months from when we heard of it: the day of an imported event may lie years back."""
_PREFIX = "E#"
_TENANT: str = DocumentItem.tenant.attr_name
_KIND: str = DocumentItem.kind.attr_name
_VERSION: str = DocumentItem.version.attr_name
_DOC: str = DocumentItem.data.attr_name
_AT = "at"


class DynamoEvents:
    """`keep` None writes no time to live: a stack whose clock stands in the past would lose its events at once."""

    def __init__(self, batches: Batches, keep: timedelta | None = KEPT) -> None:
        self._batches = batches
        self._keep = keep

    def add_many(self, events: Sequence[Event]) -> list[bool]:
        timed = self._with_first_time(events)
        return self._batches.insert([typed_item(self._item(event)) for event in timed])

    def _with_first_time(self, events: Sequence[Event]) -> list[Event]:
        """Events without a client's time at the instant of their first telling.

        The dedupe item holds that instant and is written first: a repetition, or a retry after a crash between the two
        writes, finds it and arrives at the same key.
        """
        untimed = [event for event in events if not event.has_client_time]
        if not untimed:
            return list(events)
        self._batches.insert([typed_item(self._dedupe_item(event)) for event in untimed])
        items = self._batches.read([_dedupe_key(event) for event in untimed])
        first = {(item["pk"]["S"], item["sk"]["S"]): parse_iso(item[_AT]["S"]) for item in items}
        return [event if event.has_client_time else replace(event, at=first[_dedupe_key(event)]) for event in events]

    def _dedupe_item(self, event: Event) -> dict[str, Plain | None]:
        pk, sk = _dedupe_key(event)
        return {"pk": pk, "sk": sk, "s": 1, _AT: iso(event.at), "ttl": self._ttl(event)}

    def _item(self, event: Event) -> dict[str, Plain | None]:
        return {
            "pk": keys.customer_pk(event.tenant, event.customer_id),
            "sk": keys.event_sk(iso(event.at), event.id),
            "s": 1,
            _TENANT: event.tenant,
            _KIND: "event",
            _VERSION: 1,
            _DOC: json.dumps(to_plain(event), ensure_ascii=False),
            "ttl": self._ttl(event),
        }

    def _ttl(self, event: Event) -> int | None:
        return None if self._keep is None else int((event.received_at + self._keep).timestamp())

    def page(self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None) -> Page[Event]:
        if after is not None and not after.startswith(_PREFIX):
            raise Malformed("this cursor is none of ours", code="bad_cursor")
        found = self._newest(keys.customer_pk(tenant, customer_id), after, limit + 1)
        events = tuple(from_plain(Event, json.loads(item[_DOC]["S"])) for item in found[:limit])
        return Page(events, found[limit - 1]["sk"]["S"] if len(found) > limit else None)

    def _newest(self, pk: str, before: str | None, limit: int) -> list[dict[str, Any]]:
        # BETWEEN holds both its ends, so one more is asked for and the cursor's own item is dropped.
        payload: dict[str, Any] = {
            "TableName": self._batches.table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {":pk": typed(pk), ":first": typed(_PREFIX), ":last": typed(before or "E$")},
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            try:
                answer = self._batches.calls("Query", payload | {"Limit": limit - len(found) + 1})
            except CallError as e:
                raise translated_error(e) from e
            found += [item for item in answer.get("Items", []) if item["sk"]["S"] != before]
            if not answer.get("LastEvaluatedKey"):
                break
            payload["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found[:limit]


def _dedupe_key(event: Event) -> tuple[str, str]:
    return keys.customer_pk(event.tenant, event.customer_id), keys.event_dedupe_sk(event.id)
