"""The port that every stored definition shares: templates, segments, campaigns, keys, senders, runs.

An area declares `class Templates(Records[Template], Protocol)`; there is one adapter for each substrate
and one contract test for all of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeVar

from meghdoot.kernel.paging import Page


class Record(Protocol):
    """What a stored definition must carry. `version` starts at 1 and grows by one with every change."""

    @property
    def tenant(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def updated_at(self) -> datetime: ...


R = TypeVar("R", bound=Record)


class Records(Protocol[R]):
    """Definitions of one kind, by tenant and id, with optimistic locking."""

    def get(self, tenant: str, record_id: str) -> R | None:
        """The current version, read consistently, or None."""
        ...

    def add(self, record: R) -> None:
        """Store a new record. Raises Conflict (`already_exists`) when the id is taken."""
        ...

    def replace(self, record: R, expected_version: int) -> None:
        """Store the next version. Raises Stale unless the stored version is `expected_version`."""
        ...

    def remove(self, tenant: str, record_id: str, expected_version: int | None = None) -> None:
        """Delete; raises Stale when a version is expected and another one is stored. Absent is fine."""
        ...

    def page(self, tenant: str, *, status: str | None = None, limit: int = 100, after: str | None = None) -> Page[R]:
        """A page, newest change first within a status. The index may lag behind by a second."""
        ...

    def all(self, tenant: str) -> list[R]:
        """Every record of the tenant, newest change first. For kinds of which a tenant has at most some thousand."""
        ...
