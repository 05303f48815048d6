"""Records in the table `definitions`: one JSON document each, optimistic locking, lists by kind and status on gsi1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pynamodb.exceptions import DeleteError, PutError

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.errors import condition_failed, translated
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Conflict, Malformed, Stale
from meghdoot.kernel.paging import Page
from meghdoot.kernel.records import Record

R = TypeVar("R", bound=Record)

_SK = keys.RECORD_SK


class DynamoRecords(Generic[R]):
    """Records of one kind. `model` is a DocumentItem bound to the table (see `models.bind`)."""

    def __init__(
        self, model: type[DocumentItem], cls: type[R], kind: str, status_of: Callable[[R], str] = lambda _record: ""
    ) -> None:
        self._model = model
        self._cls = cls
        self._kind = kind
        self._status_of = status_of

    def _item(self, record: R) -> DocumentItem:
        return self._model(
            keys.record_pk(record.tenant, self._kind, record.id),
            _SK,
            gsi1pk=keys.record_list_pk(record.tenant, self._kind),
            gsi1sk=f"{self._status_of(record)}#{iso(record.updated_at)}#{record.id}",
            tenant=record.tenant,
            kind=self._kind,
            version=record.version,
            data=to_plain(record),
        )

    def get(self, tenant: str, record_id: str) -> R | None:
        with translated():
            try:
                item = self._model.get(keys.record_pk(tenant, self._kind, record_id), _SK, consistent_read=True)
            except self._model.DoesNotExist:
                return None
        return from_plain(self._cls, item.data)

    def add(self, record: R) -> None:
        with translated():
            try:
                self._item(record).save(condition=self._model.pk.does_not_exist())
            except PutError as e:
                if not condition_failed(e):
                    raise
                raise Conflict(f"{self._kind} {record.id} exists already", code="already_exists") from e

    def replace(self, record: R, expected_version: int) -> None:
        with translated():
            try:
                self._item(record).save(condition=self._model.version == expected_version)
            except PutError as e:
                if not condition_failed(e):
                    raise
                raise Stale(f"{self._kind} {record.id} was changed by somebody else") from e

    def remove(self, tenant: str, record_id: str, expected_version: int | None = None) -> None:
        item = self._model(keys.record_pk(tenant, self._kind, record_id), _SK)
        condition = None if expected_version is None else self._model.version == expected_version
        with translated():
            try:
                item.delete(condition=condition)
            except DeleteError as e:
                if not condition_failed(e):
                    raise
                raise Stale(f"{self._kind} {record_id} was changed by somebody else") from e

    def page(self, tenant: str, *, status: str | None = None, limit: int = 100, after: str | None = None) -> Page[R]:
        condition = None if status is None else self._model.gsi1sk.startswith(f"{status}#")
        with translated():
            rows = self._model.gsi1.query(
                keys.record_list_pk(tenant, self._kind),
                condition,
                scan_index_forward=False,
                limit=limit,
                last_evaluated_key=None if after is None else self._position(tenant, after),
            )
            items = list(rows)
            last: dict[str, Any] | None = rows.last_evaluated_key
        return Page(tuple(from_plain(self._cls, i.data) for i in items), last["gsi1sk"]["S"] if last else None)

    def _position(self, tenant: str, after: str) -> dict[str, Any]:
        status_and_time, _, record_id = after.rpartition("#")
        if not status_and_time or not record_id:
            raise Malformed("this cursor is none of ours", code="bad_cursor")
        return {
            "pk": {"S": keys.record_pk(tenant, self._kind, record_id)},
            "sk": {"S": _SK},
            "gsi1pk": {"S": keys.record_list_pk(tenant, self._kind)},
            "gsi1sk": {"S": after},
        }

    def all(self, tenant: str) -> list[R]:
        with translated():
            items = list(self._model.gsi1.query(keys.record_list_pk(tenant, self._kind)))
        records = [from_plain(self._cls, i.data) for i in items]
        return sorted(records, key=lambda r: (r.updated_at, r.id), reverse=True)
