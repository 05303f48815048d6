"""Messaging in memory. Every adapter calls `io(name)` before and after each effect, so that a test can end a process there.

`between` is called between the parts of a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from meghdoot.adapters.memory.effects import Io as Io
from meghdoot.adapters.memory.effects import effect as effect
from meghdoot.adapters.memory.effects import silent as silent
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.areas.messaging.model import (
    RANKS,
    Chunk,
    ChunkRef,
    ClaimRequest,
    ClaimResult,
    Recipient,
    SendRow,
)
from meghdoot.kernel.errors import NotFound

if TYPE_CHECKING:
    from meghdoot.areas.consent.model import ContactGate


@dataclass
class MemoryGates:
    """The sender's view of the shared gates."""

    store: GateStore
    io: Io = silent
    between: Io = silent

    def read(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, ContactGate]:
        with effect(self.io, "read gates"):
            found = ((customer, self.store.get(tenant, customer)) for customer in customer_ids)
            return {customer: gate for customer, gate in found if gate is not None}

    def claim(self, requests: Sequence[ClaimRequest]) -> list[ClaimResult]:
        with effect(self.io, "claim"):
            return [self._claim(request, number) for number, request in enumerate(requests)]

    def _claim(self, request: ClaimRequest, number: int) -> ClaimResult:
        if number:
            self.between("in claim")
        gate = self.store.get(request.tenant, request.customer_id)
        if gate is None:
            return ClaimResult(claimed=False)
        if gate.version == request.expected_version and request.code in gate.granted:
            claimed = replace(gate, counted=request.counted, version=gate.version + 1)
            self.store.compare_and_put(claimed, gate.version)
            return ClaimResult(claimed=True)
        own = gate.version == request.expected_version + 1 and gate.counted == request.counted
        return ClaimResult(claimed=own and request.code in gate.granted, gate=gate)


@dataclass
class MemoryChunks:
    """Chunk items in a dict."""

    io: Io = silent
    items: dict[ChunkRef, Chunk] = field(default_factory=dict)

    def create(self, chunk: Chunk) -> bool:
        with effect(self.io, "create chunk"):
            return self.items.setdefault(chunk.ref, chunk) is chunk

    def get(self, ref: ChunkRef) -> Chunk | None:
        with effect(self.io, "get chunk"):
            return self.items.get(ref)

    def get_many(self, tenant: str, run_id: str, numbers: Iterable[int]) -> list[Chunk]:
        with effect(self.io, "get chunks"):
            refs = (ChunkRef(tenant, run_id, number) for number in numbers)
            return [self.items[ref] for ref in refs if ref in self.items]

    def take(self, chunk: Chunk, token: str, lease_until: int) -> Chunk | None:
        with effect(self.io, "take"):
            stored = self.items.get(chunk.ref)
            if stored is None or not stored.work_left or stored.token not in (chunk.token, token):
                return None
            self.items[chunk.ref] = replace(stored, token=token, lease_until=lease_until)
            return self.items[chunk.ref]

    def mark(self, chunk: Chunk, lease_until: int) -> bool:
        with effect(self.io, "mark"):
            stored = self.items.get(chunk.ref)
            if stored is None or stored.token != chunk.token:
                return False
            if not stored.lease_until:
                return not lease_until
            self.items[chunk.ref] = replace(chunk, lease_until=lease_until)
            return True

    def queued(self, chunk: Chunk, until: int) -> bool:
        with effect(self.io, "queued"):
            stored = self.items.get(chunk.ref)
            if stored is None or (stored.token, stored.queued_until) != (chunk.token, chunk.queued_until):
                return False
            self.items[chunk.ref] = replace(stored, queued_until=until)
            return True

    def lift(self, ref: ChunkRef, expected_letters: str, letters: str) -> bool:
        with effect(self.io, "lift"):
            stored = self.items.get(ref)
            if stored is None or stored.letters != expected_letters or stored.lease_until:
                return False
            self.items[ref] = replace(stored, letters=letters)
            return True


@dataclass
class MemoryAudience:
    """Audience files in a dict."""

    io: Io = silent
    files: dict[ChunkRef, tuple[Recipient, ...]] = field(default_factory=dict)

    def write(self, ref: ChunkRef, people: Sequence[Recipient]) -> None:
        with effect(self.io, "write audience"):
            self.files[ref] = tuple(people)

    def read(self, ref: ChunkRef) -> list[Recipient]:
        with effect(self.io, "read audience"):
            if ref not in self.files:
                raise NotFound(f"there is no audience of chunk {ref.number}", code="no_audience")
            return list(self.files[ref])

    def digest(self, ref: ChunkRef) -> str:
        return sha256(repr(self.read(ref)).encode()).hexdigest()


@dataclass
class MemoryChunkQueue:
    """Messages in a list, with their delays in seconds; `take` empties it."""

    io: Io = silent
    messages: list[tuple[ChunkRef, int]] = field(default_factory=list)
    between: Io = silent

    def put(self, refs: Sequence[ChunkRef], *, delay_seconds: int = 0) -> None:
        with effect(self.io, "enqueue"):
            for number, ref in enumerate(refs):
                if number:
                    self.between("in enqueue")
                self.messages.append((ref, delay_seconds))

    def take(self) -> list[ChunkRef]:
        """All that wait, in order."""
        taken, self.messages = [ref for ref, _ in self.messages], []
        return taken


@dataclass
class MemorySendRows:
    """Rows by key."""

    io: Io = silent
    rows: dict[tuple[str, str, str, str], SendRow] = field(default_factory=dict)
    between: Io = silent

    def born(self, rows: Sequence[SendRow]) -> list[bool]:
        with effect(self.io, "born"):
            return [self._insert(row, number) for number, row in enumerate(rows)]

    def _insert(self, row: SendRow, number: int) -> bool:
        if number:
            self.between("in born")
        return self.rows.setdefault(_row_key(row), row) is row

    def climb(self, row: SendRow) -> bool:
        with effect(self.io, "climb"):
            stored = self.rows.get(_row_key(row))
            if stored is None or RANKS[stored.state] >= RANKS[row.state]:
                return False
            heard = stored.attempt if row.attempt is None else row.attempt
            self.rows[_row_key(row)] = replace(stored, state=row.state, at=row.at, reason=row.reason, attempt=heard)
            return True

    def get_many(self, tenant: str, keys: Sequence[tuple[str, str, str]]) -> dict[str, SendRow]:
        with effect(self.io, "get rows"):
            found = (self.rows.get((tenant, customer, minute, key)) for customer, minute, key in keys)
            return {row.send_key: row for row in found if row is not None}


def _row_key(row: SendRow) -> tuple[str, str, str, str]:
    return (row.tenant, row.customer_id, row.minute, row.send_key)


@dataclass
class MemoryRunCounters:
    """Sums of a run's rows by state, counted from the rows themselves."""

    rows: MemorySendRows

    def totals(self, tenant: str, run_id: str) -> Mapping[str, int]:
        return Counter(r.state for r in self.rows.rows.values() if (r.tenant, r.run_id) == (tenant, run_id))


@dataclass
class MemoryEvidence:
    """Watermarks by provider."""

    io: Io = silent
    marks: dict[str, datetime] = field(default_factory=dict)

    def heard(self, provider: str, at: datetime) -> None:
        with effect(self.io, "heard"):
            self.marks[provider] = max(at, self.marks.get(provider, at))

    def watermark(self, provider: str) -> datetime | None:
        with effect(self.io, "watermark"):
            return self.marks.get(provider)


@dataclass
class MemoryLiveRuns:
    """Noted runs in a dict, in the order they came."""

    noted: dict[tuple[str, str], None] = field(default_factory=dict)
    io: Io = silent

    def add(self, tenant: str, run_id: str) -> None:
        with effect(self.io, "note run"):
            self.noted[(tenant, run_id)] = None

    def all(self) -> list[tuple[str, str]]:
        with effect(self.io, "list runs"):
            return list(self.noted)

    def remove(self, tenant: str, run_id: str) -> None:
        with effect(self.io, "forget run"):
            self.noted.pop((tenant, run_id), None)
