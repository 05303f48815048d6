"""Keys and the audit log in memory."""

from __future__ import annotations

from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.access.model import ApiKey, AuditEntry
from meghdoot.kernel.clock import iso
from meghdoot.kernel.paging import Page


def memory_keys() -> MemoryRecords[ApiKey]:
    """The keys."""
    return MemoryRecords("key")


class MemoryAuditLog:
    """Entries by tenant, instant and id."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], AuditEntry] = {}

    def append(self, entry: AuditEntry) -> None:
        self._entries.setdefault((entry.tenant, f"{iso(entry.at)}#{entry.id}"), entry)

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        positions = sorted((at for owner, at in self._entries if owner == tenant), reverse=True)
        left = [at for at in positions if after is None or at < after]
        entries = tuple(self._entries[(tenant, at)] for at in left[:limit])
        return Page(entries, left[limit - 1] if len(left) > limit else None)
