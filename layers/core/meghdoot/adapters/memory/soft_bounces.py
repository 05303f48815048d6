"""Soft bounces in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.adapters.memory.messaging import MemorySendRows


@dataclass
class MemorySoftBounces:
    """Entries by tenant and address; deliveries from the rows themselves."""

    rows: MemorySendRows
    io: Io = silent
    items: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def add(self, tenant: str, address_key: str, entry: str, at: datetime) -> frozenset[str]:
        with effect(self.io, "soft bounce"):
            key = (tenant, address_key)
            self.items[key] = self.items.get(key, frozenset()) | {entry}
            return self.items[key]

    def forget(self, tenant: str, address_key: str, entries: Collection[str]) -> None:
        with effect(self.io, "forget soft bounces"):
            key = (tenant, address_key)
            self.items[key] = self.items.get(key, frozenset()) - set(entries)

    def last_delivery(self, tenant: str, customer_id: str, since: datetime) -> datetime | None:
        with effect(self.io, "last delivery"):
            mine = (row for row in self.rows.rows.values() if (row.tenant, row.customer_id) == (tenant, customer_id))
            return max((row.at for row in mine if row.state == "delivered" and row.at >= since), default=None)
