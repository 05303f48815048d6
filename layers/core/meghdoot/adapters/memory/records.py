"""Records in memory: the twin that unit tests and stories run on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.kernel.errors import Conflict, Stale
from meghdoot.kernel.paging import Page
from meghdoot.kernel.records import Record

R = TypeVar("R", bound=Record)


class MemoryRecords(Generic[R]):
    """Records of one kind in a dict. `status_of` names the status that lists filter by."""

    def __init__(self, kind: str, status_of: Callable[[R], str] = lambda _record: "", io: Io = silent) -> None:
        self._kind = kind
        self._status_of = status_of
        self.io = io
        self._items: dict[tuple[str, str], R] = {}

    def get(self, tenant: str, record_id: str) -> R | None:
        with effect(self.io, f"get {self._kind}"):
            return self._items.get((tenant, record_id))

    def add(self, record: R) -> None:
        key = (record.tenant, record.id)
        with effect(self.io, f"add {self._kind}"):
            if key in self._items:
                raise Conflict(f"{self._kind} {record.id} exists already", code="already_exists")
            self._items[key] = record

    def replace(self, record: R, expected_version: int) -> None:
        with effect(self.io, f"replace {self._kind}"):
            stored = self._items.get((record.tenant, record.id))
            if stored is None or stored.version != expected_version:
                raise Stale(f"{self._kind} {record.id} was changed by somebody else")
            self._items[(record.tenant, record.id)] = record

    def remove(self, tenant: str, record_id: str, expected_version: int | None = None) -> None:
        stored = self._items.get((tenant, record_id))
        if expected_version is not None and (stored is None or stored.version != expected_version):
            raise Stale(f"{self._kind} {record_id} was changed by somebody else")
        self._items.pop((tenant, record_id), None)

    def _sorted(self, tenant: str) -> list[tuple[str, R]]:
        rows = [
            (f"{self._status_of(r)}#{r.updated_at.timestamp():020.6f}#{r.id}", r)
            for (owner, _), r in self._items.items()
            if owner == tenant
        ]
        return sorted(rows, key=lambda row: row[0], reverse=True)

    def page(self, tenant: str, *, status: str | None = None, limit: int = 100, after: str | None = None) -> Page[R]:
        rows = [(k, r) for k, r in self._sorted(tenant) if status is None or self._status_of(r) == status]
        if after is not None:
            rows = [(k, r) for k, r in rows if k < after]
        more = len(rows) > limit
        return Page(tuple(r for _, r in rows[:limit]), rows[limit - 1][0] if more else None)

    def all(self, tenant: str) -> list[R]:
        records = [r for (owner, _), r in self._items.items() if owner == tenant]
        return sorted(records, key=lambda r: (r.updated_at, r.id), reverse=True)
