"""What access needs from the outside."""

from __future__ import annotations

from typing import Protocol

from meghdoot.areas.access.model import ApiKey, AuditEntry
from meghdoot.kernel.paging import Page
from meghdoot.kernel.records import Records


class ApiKeys(Records[ApiKey], Protocol):
    """The stored keys."""


class AuditLog(Protocol):
    """Append-only."""

    def append(self, entry: AuditEntry) -> None:
        """Write one entry; the same id twice is one entry."""
        ...

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        """Entries, newest first."""
        ...
