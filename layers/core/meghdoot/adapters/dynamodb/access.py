"""Keys as records; the audit log in one partition a month, with a list of the months that hold anything."""

from __future__ import annotations

import json
from typing import Any

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CallError, Calls, translated_error
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.dynamodb.typed import typed, typed_item
from meghdoot.areas.access.model import ApiKey, AuditEntry
from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Malformed
from meghdoot.kernel.paging import Page

_TENANT, _KIND = DocumentItem.tenant.attr_name, DocumentItem.kind.attr_name
_VERSION, _DOC = DocumentItem.version.attr_name, DocumentItem.data.attr_name
_MONTHS = "MONTHS"


def dynamo_keys(model: type[DocumentItem]) -> DynamoRecords[ApiKey]:
    """The keys. `model` is bound to the table `definitions`."""
    return DynamoRecords(model, ApiKey, "key")


def _month(at: str) -> str:
    return at[:7]


class DynamoAuditLog:
    """The table `definitions`. Entries are only ever added; safe to share between threads."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table
        self._listed: set[str] = set()

    def append(self, entry: AuditEntry) -> None:
        at = iso(entry.at)
        self._list_month(entry.tenant, _month(at))
        item = {
            "pk": keys.audit_pk(entry.tenant, _month(at)),
            "sk": f"{at}#{entry.id}",
            "s": 1,
            _TENANT: entry.tenant,
            _KIND: "audit",
            _VERSION: 1,
            _DOC: json.dumps(to_plain(entry), ensure_ascii=False),
        }
        self._put(item, only_new=True)

    def _list_month(self, tenant: str, month: str) -> None:
        # Before the entry: an entry whose month is not listed would never be found.
        pk = keys.audit_pk(tenant, _MONTHS)
        if f"{pk}#{month}" in self._listed:
            return
        self._put({"pk": pk, "sk": month, "s": 1}, only_new=False)
        self._listed.add(f"{pk}#{month}")

    def _put(self, item: dict[str, Any], *, only_new: bool) -> None:
        payload: dict[str, Any] = {"TableName": self._table, "Item": typed_item(item)}
        if only_new:
            payload["ConditionExpression"] = "attribute_not_exists(pk)"
        try:
            self._calls("PutItem", payload)
        except CallError as e:
            if e.code != "ConditionalCheckFailedException":
                raise translated_error(e) from e

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        if after is not None and "#" not in after:
            raise Malformed("this cursor is none of ours", code="bad_cursor")
        found: list[dict[str, Any]] = []
        for month in self._months(tenant, after):
            found += self._entries(tenant, month, after, limit + 1 - len(found))
            if len(found) > limit:
                break
        entries = tuple(from_plain(AuditEntry, json.loads(item[_DOC]["S"])) for item in found[:limit])
        return Page(entries, found[limit - 1]["sk"]["S"] if len(found) > limit else None)

    def _months(self, tenant: str, after: str | None) -> list[str]:
        items = self._query(keys.audit_pk(tenant, _MONTHS), None, None)
        return [m for m in (item["sk"]["S"] for item in items) if after is None or m <= _month(after)]

    def _entries(self, tenant: str, month: str, after: str | None, limit: int) -> list[dict[str, Any]]:
        return self._query(keys.audit_pk(tenant, month), after, limit)

    def _query(self, pk: str, before: str | None, limit: int | None) -> list[dict[str, Any]]:
        """Newest first, at most `limit` items (None for all)."""
        values = {":pk": typed(pk)} | ({} if before is None else {":before": typed(before)})
        payload: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk" + ("" if before is None else " AND sk < :before"),
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        items: list[dict[str, Any]] = []
        while True:
            if limit is not None:
                payload["Limit"] = limit - len(items)
            try:
                answer = self._calls("Query", payload)
            except CallError as e:
                raise translated_error(e) from e
            items += answer.get("Items", [])
            if not answer.get("LastEvaluatedKey") or (limit is not None and len(items) >= limit):
                return items
            payload["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
