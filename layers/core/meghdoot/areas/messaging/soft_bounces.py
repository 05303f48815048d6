"""Soft bounces: a mailbox that is full today may be empty tomorrow, but one that never takes a message is none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from meghdoot.areas.messaging.model import Fact, SendRow
from meghdoot.kernel.clock import iso, parse_iso

LIMIT = 5
"""So many messages in a row, without one that arrived between them, and the address is closed as by a hard bounce."""


class SoftBounceStore(Protocol):
    """Entries by address: written by soft bounces only, so that a delivery costs nothing."""

    def add(self, tenant: str, address_key: str, entry: str, at: datetime) -> frozenset[str]:
        """Add an entry once; answers all of the address. Forgotten half a year after the last."""
        ...

    def forget(self, tenant: str, address_key: str, entries: Collection[str]) -> None:
        """Remove entries; absent ones are fine."""
        ...

    def last_delivery(self, tenant: str, customer_id: str, since: datetime) -> datetime | None:
        """When a message last arrived at this customer, if that was not before `since`."""
        ...


@dataclass(frozen=True, slots=True)
class SoftBounces:
    """Counts soft bounces in a row."""

    store: SoftBounceStore

    def is_over(self, fact: Fact, row: SendRow, address_key: str) -> bool:
        """Note a soft bounce; True once the address has had its last. The same message counts once, however often told."""
        entries = self.store.add(row.tenant, address_key, f"{iso(fact.at)}#{row.send_key}", fact.at)
        if _messages(entries) < LIMIT:
            return False
        delivered = self.store.last_delivery(row.tenant, row.customer_id, parse_iso(min(entries).partition("#")[0]))
        if delivered is None:
            return True
        before = {entry for entry in entries if entry.partition("#")[0] <= iso(delivered)}
        self.store.forget(row.tenant, address_key, before)
        return _messages(entries - before) >= LIMIT


def _messages(entries: Collection[str]) -> int:
    return len({entry.partition("#")[2] for entry in entries})
