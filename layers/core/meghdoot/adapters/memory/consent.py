"""Consent in memory: ledger, suppressions and the withdrawal log, over the gates that all twins share."""

from __future__ import annotations

from collections.abc import Sequence

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.areas.consent import rules
from meghdoot.areas.consent.model import Channel, ConsentEntry, ContactGate, Purpose, Suppression, Withdrawal
from meghdoot.areas.consent.ports import WithdrawalLine
from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Conflict, NotFound
from meghdoot.kernel.paging import Page


class MemoryConsentLedger:
    """Entries in a dict by their place; the gate changes in the same breath."""

    def __init__(self, gates: GateStore, io: Io = silent) -> None:
        self._gates = gates
        self.io = io
        self._entries: dict[tuple[str, str, str], ConsentEntry] = {}

    def _of(self, tenant: str, customer_id: str) -> list[tuple[str, ConsentEntry]]:
        return sorted((k[2], e) for k, e in self._entries.items() if k[:2] == (tenant, customer_id))

    def head(self, tenant: str, customer_id: str, channel: Channel, purpose: Purpose) -> ConsentEntry | None:
        with effect(self.io, "consent head"):
            return self._head(tenant, customer_id, channel, purpose)

    def heads(
        self, tenant: str, customer_ids: Sequence[str], channel: Channel, purpose: Purpose
    ) -> dict[str, ConsentEntry]:
        found = {customer: self._head(tenant, customer, channel, purpose) for customer in customer_ids}
        return {customer: entry for customer, entry in found.items() if entry is not None}

    def _head(self, tenant: str, customer_id: str, channel: Channel, purpose: Purpose) -> ConsentEntry | None:
        prefix = f"{channel}#{purpose}#"
        entries = [entry for place, entry in self._of(tenant, customer_id) if place.startswith(prefix)]
        return entries[-1] if entries else None

    def append(self, entry: ConsentEntry) -> None:
        with effect(self.io, "append consent"):
            self._append(entry)

    def _append(self, entry: ConsentEntry) -> None:
        place = (entry.tenant, entry.customer_id, f"{entry.channel}#{entry.purpose}#{entry.sequence:06d}")
        head = self._head(entry.tenant, entry.customer_id, entry.channel, entry.purpose)
        if head is not None and head.hash == entry.hash:
            return
        if (head.sequence if head else 0) != entry.sequence - 1:
            raise Conflict("another act of consent came first", code="sequence_taken")
        gate = self._gates.get(entry.tenant, entry.customer_id)
        if gate is None:
            raise NotFound(f"there is no customer {entry.customer_id}", code="no_gate")
        self._entries[place] = entry
        self._gates.put(rules.gate_after(gate, entry.channel, entry.purpose, entry.state))

    def history(
        self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        rows = [(k, e) for k, e in self._of(tenant, customer_id) if after is None or k > after]
        return Page(tuple(e for _, e in rows[:limit]), rows[limit - 1][0] if len(rows) > limit else None)

    def withdrawn(
        self, tenant: str, channel: Channel, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        wanted = (tenant, channel, "marketing", "withdrawn")
        found = [e for e in self._entries.values() if (e.tenant, e.channel, e.purpose, e.state) == wanted]
        rows = sorted(((f"{iso(e.at)}#{e.customer_id}#{e.sequence:06d}", e) for e in found), reverse=True)
        rows = [(k, e) for k, e in rows if after is None or k < after]
        return Page(tuple(e for _, e in rows[:limit]), rows[limit - 1][0] if len(rows) > limit else None)

    def gate(self, tenant: str, customer_id: str, *, consistent: bool = True) -> ContactGate | None:
        with effect(self.io, "get gate"):
            return self._gates.get(tenant, customer_id)

    def gates(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, ContactGate]:
        found = {customer_id: self._gates.get(tenant, customer_id) for customer_id in customer_ids}
        return {customer_id: gate for customer_id, gate in found.items() if gate is not None}


class MemorySuppressions:
    """Suppressed addresses in a dict."""

    def __init__(self, gates: GateStore, io: Io = silent) -> None:
        self._gates = gates
        self.io = io
        self._items: dict[tuple[str, str, str], Suppression] = {}

    def add(self, suppression: Suppression, customer_id: str | None) -> bool:
        with effect(self.io, "suppress"):
            return self._add(suppression, customer_id)

    def _add(self, suppression: Suppression, customer_id: str | None) -> bool:
        key = (suppression.tenant, suppression.address_key, suppression.channel)
        is_new = key not in self._items
        self._items.setdefault(key, suppression)
        gate = self._gates.get(suppression.tenant, customer_id) if customer_id else None
        if gate is not None:
            closed = rules.gate_suppressed(gate, suppression.channel)
            if (closed.suppressed, closed.granted) != (gate.suppressed, gate.granted):
                self._gates.put(closed)
        return is_new

    def get(self, tenant: str, address_key: str, channel: Channel) -> Suppression | None:
        with effect(self.io, "get suppression"):
            return self._items.get((tenant, address_key, channel))

    def remove(self, tenant: str, address_key: str, channel: Channel, customer_id: str | None) -> None:
        self._items.pop((tenant, address_key, channel), None)
        gate = self._gates.get(tenant, customer_id) if customer_id else None
        if gate is not None and rules.gate_lifted(gate, channel).suppressed != gate.suppressed:
            self._gates.put(rules.gate_lifted(gate, channel))


class MemoryWithdrawalReader:
    """Reads a memory log back, in the order of tenant and id."""

    def __init__(self, log: MemoryWithdrawalLog) -> None:
        self._log = log

    def page(self, *, limit: int = 500, after: str | None = None) -> Page[WithdrawalLine]:
        with effect(self._log.io, "read withdrawals"):
            named = sorted(((f"{line.tenant}/{line.id}", line) for line in self._log.lines), key=lambda pair: pair[0])
            found = [WithdrawalLine(name, line) for name, line in named if after is None or name > after]
            return Page(tuple(found[:limit]), found[limit - 1].name if len(found) > limit else None)

    def any(self) -> bool:
        return bool(self._log.lines)


class MemoryWithdrawalLog:
    """Lines by tenant and id; what was written first stays."""

    def __init__(self, io: Io = silent) -> None:
        self._lines: dict[tuple[str, str], Withdrawal] = {}
        self.io = io

    @property
    def lines(self) -> list[Withdrawal]:
        """All lines in the order they came."""
        return list(self._lines.values())

    def append(self, withdrawal: Withdrawal) -> None:
        with effect(self.io, "withdrawal line"):
            self._lines.setdefault((withdrawal.tenant, withdrawal.id), withdrawal)
