"""Single messages in memory. Rows live among the send rows, where the provider's words find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.adapters.memory.messaging import MemorySendRows
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.messaging.model import RANKS, SendRow
from meghdoot.areas.messaging.singles.model import Composition, Single, SingleRef, SingleRow
from meghdoot.areas.messaging.singles.rules import key_of, minute_of

Key = tuple[str, str, str, str]
"""Tenant, customer, minute and send key."""


def memory_compositions(io: Io = silent) -> MemoryRecords[Composition]:
    """An empty store of compositions."""
    return MemoryRecords("composition", io=io)


@dataclass
class MemorySingles:
    """Messages by name."""

    io: Io = silent
    items: dict[tuple[str, str], Single] = field(default_factory=dict)

    def add(self, single: Single, content_until: datetime) -> Single | None:
        with effect(self.io, "add message"):
            stored = self.items.setdefault((single.tenant, single.id), single)
            return None if stored is single else stored

    def get(self, ref: SingleRef) -> Single | None:
        with effect(self.io, "get message"):
            return self.items.get((ref.tenant, ref.message_id))

    def forget_content(self, ref: SingleRef) -> None:
        """What time does to address and fields."""
        key = (ref.tenant, ref.message_id)
        self.items[key] = replace(self.items[key], address=None, fields={})


@dataclass
class MemorySingleTimers:
    """Looks in a set."""

    io: Io = silent
    timers: set[tuple[datetime, str, str]] = field(default_factory=set)

    def set(self, tenant: str, message_id: str, at: datetime) -> None:
        with effect(self.io, "set timer"):
            self.timers.add((at, tenant, message_id))

    def due(self, until: datetime, limit: int = 100) -> list[tuple[str, str, datetime]]:
        with effect(self.io, "due timers"):
            ready = sorted(timer for timer in self.timers if timer[0] <= until)
            return [(tenant, message_id, at) for at, tenant, message_id in ready[:limit]]

    def done(self, tenant: str, message_id: str, at: datetime) -> None:
        with effect(self.io, "timer done"):
            self.timers.discard((at, tenant, message_id))


@dataclass
class MemoryUrgentQueue:
    """Messages in a list, with their delays in seconds; `take` empties it."""

    io: Io = silent
    messages: list[tuple[SingleRef, int]] = field(default_factory=list)

    def put(self, refs: Sequence[SingleRef], *, delay_seconds: int = 0) -> None:
        with effect(self.io, "enqueue urgent"):
            self.messages += [(ref, delay_seconds) for ref in refs]

    def take(self) -> list[SingleRef]:
        """All that wait, in order."""
        taken, self.messages = [ref for ref, _ in self.messages], []
        return taken


@dataclass
class MemorySingleRows:
    """The sender's view of the rows: beside each send row of a single message, what only its owner writes."""

    rows: MemorySendRows
    io: Io = silent
    owned: dict[Key, SingleRow] = field(default_factory=dict)

    def get(self, single: Single) -> SingleRow | None:
        with effect(self.io, "get row"):
            return self._row(_key(single))

    def claim(self, single: Single, row: SingleRow, seen: SingleRow | None) -> bool:
        with effect(self.io, "claim row"):
            stored = self._row(_key(single))
            if _version(stored) != _version(seen):
                return stored is not None and _version(stored) == _version(row)
            self._write(single, row)
            return True

    def record(self, single: Single, row: SingleRow) -> bool:
        with effect(self.io, "record row"):
            stored = self._row(_key(single))
            if stored is None or stored.token != row.token or stored.rank >= RANKS["accepted"]:
                return _version(stored) == _version(row)
            self._write(single, row)
            return True

    def _row(self, key: Key) -> SingleRow | None:
        spoken = self.rows.rows.get(key)
        if spoken is None:
            return None
        owned = self.owned.get(key) or SingleRow(spoken.state, spoken.at, provider=spoken.provider)
        return replace(
            owned, state=spoken.state, at=spoken.at, reason=spoken.reason, provider_id=spoken.provider_id,
            heard_attempt=spoken.attempt,
        )  # fmt: skip

    def _write(self, single: Single, row: SingleRow) -> None:
        key = _key(single)
        self.owned[key] = row
        self.rows.rows[key] = SendRow(
            single.tenant, single.customer_id, key[3], key[2], row.state, single.composition_id, None, None, row.at,
            row.provider or "", row.provider_id, row.reason, message_id=single.id,
        )  # fmt: skip


def _key(single: Single) -> Key:
    return (single.tenant, single.customer_id, minute_of(single), key_of(single))


def _version(row: SingleRow | None) -> tuple[str, int, int] | None:
    return None if row is None else (row.token, row.rank, row.attempt)
