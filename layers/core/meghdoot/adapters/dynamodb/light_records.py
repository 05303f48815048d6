"""Records and template versions over `Calls`, item for item those of `records` and `content`, for functions that must start fast."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.names import GSI1, GSI1PK, GSI1SK, PK, SHAPE, SK, Document
from meghdoot.adapters.dynamodb.typed import typed, typed_item
from meghdoot.areas.content.model import Template
from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Conflict, Malformed, Stale
from meghdoot.kernel.paging import Page
from meghdoot.kernel.records import Record

R = TypeVar("R", bound=Record)
TEMPLATE_KIND = "template"


class LightRecords(Generic[R]):
    """Records of one kind in the table `definitions`."""

    def __init__(
        self, calls: Calls, table: str, cls: type[R], kind: str, status_of: Callable[[R], str] = lambda _record: ""
    ) -> None:
        self._calls = calls
        self._table = table
        self._cls = cls
        self._kind = kind
        self._status_of = status_of

    def get(self, tenant: str, record_id: str) -> R | None:
        payload = {"TableName": self._table, "Key": self._key(tenant, record_id), "ConsistentRead": True}
        with answered():
            item = self._calls("GetItem", payload).get("Item")
        return None if item is None else self._record(item)

    def add(self, record: R) -> None:
        if not self._put(record, {"ConditionExpression": "attribute_not_exists(pk)"}):
            raise Conflict(f"{self._kind} {record.id} exists already", code="already_exists")

    def replace(self, record: R, expected_version: int) -> None:
        if not self._put(record, _at_version(expected_version)):
            raise Stale(f"{self._kind} {record.id} was changed by somebody else")

    def remove(self, tenant: str, record_id: str, expected_version: int | None = None) -> None:
        condition = {} if expected_version is None else _at_version(expected_version)
        if not self._done("DeleteItem", {"Key": self._key(tenant, record_id), **condition}):
            raise Stale(f"{self._kind} {record_id} was changed by somebody else")

    def page(self, tenant: str, *, status: str | None = None, limit: int = 100, after: str | None = None) -> Page[R]:
        query = self._query(tenant, status) | {"ScanIndexForward": False, "Limit": limit}
        if after is not None:
            query["ExclusiveStartKey"] = self._position(tenant, after)
        with answered():
            answer = self._calls("Query", query)
        last = answer.get("LastEvaluatedKey")
        return Page(tuple(self._record(item) for item in answer["Items"]), last[GSI1SK]["S"] if last else None)

    def all(self, tenant: str) -> list[R]:
        query, records = self._query(tenant, None), []
        while True:
            with answered():
                answer = self._calls("Query", query)
            records += [self._record(item) for item in answer["Items"]]
            if not answer.get("LastEvaluatedKey"):
                return sorted(records, key=lambda r: (r.updated_at, r.id), reverse=True)
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _record(self, item: Mapping[str, Any]) -> R:
        return from_plain(self._cls, json.loads(item[Document.data]["S"]))

    def _key(self, tenant: str, record_id: str) -> dict[str, Any]:
        return typed_item({PK: keys.record_pk(tenant, self._kind, record_id), SK: keys.RECORD_SK})

    def _put(self, record: R, condition: Mapping[str, Any]) -> bool:
        item = self._key(record.tenant, record.id) | typed_item(
            {
                GSI1PK: keys.record_list_pk(record.tenant, self._kind),
                GSI1SK: f"{self._status_of(record)}#{iso(record.updated_at)}#{record.id}",
                SHAPE: 1,
                Document.tenant: record.tenant,
                Document.kind: self._kind,
                Document.version: record.version,
                Document.data: json.dumps(to_plain(record)),
            }
        )
        return self._done("PutItem", {"Item": item, **condition})

    def _done(self, operation: str, payload: Mapping[str, Any]) -> bool:
        return _written(self._calls, operation, {"TableName": self._table, **payload})

    def _query(self, tenant: str, status: str | None) -> dict[str, Any]:
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": GSI1,
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": GSI1PK},
            "ExpressionAttributeValues": {":pk": typed(keys.record_list_pk(tenant, self._kind))},
        }
        if status is not None:
            query["KeyConditionExpression"] += " AND begins_with(#sk, :status)"
            query["ExpressionAttributeNames"]["#sk"] = GSI1SK
            query["ExpressionAttributeValues"][":status"] = typed(f"{status}#")
        return query

    def _position(self, tenant: str, after: str) -> dict[str, Any]:
        status_and_time, _, record_id = after.rpartition("#")
        if not status_and_time or not record_id:
            raise Malformed("this cursor is none of ours", code="bad_cursor")
        place = {GSI1PK: keys.record_list_pk(tenant, self._kind), GSI1SK: after}
        return self._key(tenant, record_id) | typed_item(place)


class LightTemplateVersions:
    """Every version of templates ever saved."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def add(self, template: Template) -> None:
        item = _version_key(template.tenant, template.id, template.version) | typed_item(
            {
                SHAPE: 1,
                Document.tenant: template.tenant,
                Document.kind: TEMPLATE_KIND,
                Document.version: template.version,
                Document.data: json.dumps(to_plain(template)),
            }
        )
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        _written(self._calls, "PutItem", {"TableName": self._table, "Item": item, **condition})

    def get(self, tenant: str, template_id: str, version: int) -> Template | None:
        key = _version_key(tenant, template_id, version)
        with answered():
            item = self._calls("GetItem", {"TableName": self._table, "Key": key, "ConsistentRead": True}).get("Item")
        return None if item is None else from_plain(Template, json.loads(item[Document.data]["S"]))


def _version_key(tenant: str, template_id: str, version: int) -> dict[str, Any]:
    return typed_item({PK: keys.record_pk(tenant, TEMPLATE_KIND, template_id), SK: keys.version_sk(version)})


def _at_version(expected: int) -> dict[str, Any]:
    return {
        "ConditionExpression": "#n = :expected",
        "ExpressionAttributeNames": {"#n": Document.version},
        "ExpressionAttributeValues": {":expected": typed(expected)},
    }


def _written(calls: Calls, operation: str, payload: Mapping[str, Any]) -> bool:
    """False when the condition was refused."""
    with answered():
        try:
            calls(operation, payload)
        except CallError as e:
            if e.code != CONDITION_FAILED:
                raise
            return False
    return True
