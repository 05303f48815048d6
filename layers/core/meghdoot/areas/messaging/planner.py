"""Planning: freezes one slice of a run's audience into chunks of at most 500 people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

from meghdoot.areas.content.names import customer_fields
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.customers.ports import Customers
from meghdoot.areas.messaging.model import CHUNK_SIZE, SLICE_STRIDE, Chunk, ChunkRef, Recipient, Run
from meghdoot.areas.messaging.ports import Audience, ChunkQueue, Chunks, Gates, LiveRuns, Runs
from meghdoot.areas.messaging.rules import letters
from meghdoot.areas.messaging.rules.decide import DEFAULT_ZONE, exclusion
from meghdoot.areas.messaging.rules.reserved import is_reserved
from meghdoot.areas.messaging.rules.waves import ON_ITS_WAY_SECONDS
from meghdoot.areas.messaging.run_records import change_run, stored_run
from meghdoot.areas.segments.ports import QueryEngine
from meghdoot.areas.tenants.ports import Tenants
from meghdoot.kernel.clock import Clock

_KEPT = timedelta(days=396)
_REFS_A_PUT = 100

UsedFields = Callable[[Run], frozenset[str]]
"""The names of a person's values that a run's template uses."""


@dataclass(frozen=True, slots=True)
class PlannerService:
    """Plans runs slice by slice. Holds one chunk of people in memory, whatever the size of the audience."""

    runs: Runs
    live: LiveRuns
    tenants: Tenants
    engine: QueryEngine
    customers: Customers
    gates: Gates
    audience: Audience
    chunks: Chunks
    queue: ChunkQueue
    used_fields: UsedFields
    clock: Clock

    def plan_slice(self, tenant: str, run_id: str, slice_: int) -> int | None:
        """Plan one hash slice and enqueue its chunks; answers the next slice, or None after the last one.

        Repeating after a crash is harmless: chunks that exist stay as they are, and planning goes on behind the last
        person of the last one. Raises NotFound for a run that does not exist.
        """
        run = stored_run(self.runs, tenant, run_id)
        self.live.add(tenant, run_id)
        if run.status != "cancelled" and str(slice_) not in run.slice_chunks:
            count, people = self._plan(run, slice_)
            run = self._note(run, slice_, count, people)
        self._enqueue(run, slice_)
        return slice_ + 1 if slice_ + 1 < run.slices else None

    def _plan(self, run: Run, slice_: int) -> tuple[int, int]:
        tenant = self.tenants.get(run.tenant, run.tenant)
        zone = tenant.zone if tenant is not None else DEFAULT_ZONE
        count, people, last = self._already(run, slice_)
        members = self.engine.members(
            run.tenant, list(run.criteria), now=run.started_at, zone=zone, slice_=slice_, slices=run.slices
        )
        used = self.used_fields(run)
        for ids in _batches((member for member in members if last is None or member > last), CHUNK_SIZE):
            ref = ChunkRef(run.tenant, run.id, slice_ * SLICE_STRIDE + count)
            recipients = self._recipients(run, ids, zone, used)
            if tenant is not None and tenant.test_only:
                recipients = [_only_reserved(person) for person in recipients]
            self._freeze(run, ref, recipients)
            count, people = count + 1, people + len(ids)
        return count, people

    def _already(self, run: Run, slice_: int) -> tuple[int, int, str | None]:
        """Chunks and people that an earlier attempt left, and the last person of the last chunk."""
        count, people, last = 0, 0, None
        while chunk := self.chunks.get(ChunkRef(run.tenant, run.id, slice_ * SLICE_STRIDE + count)):
            count, people = count + 1, people + len(chunk.letters)
            last = self.audience.read(chunk.ref)[-1].customer_id
        return count, people, last

    def _freeze(self, run: Run, ref: ChunkRef, people: Sequence[Recipient]) -> None:
        # The file comes first: a chunk item without its people could not be sent.
        self.audience.write(ref, people)
        text = "".join(letters.first_letter(person.skip) for person in people)
        expires = int((run.started_at + _KEPT).timestamp())
        queued = int(self.clock.now().timestamp()) + ON_ITS_WAY_SECONDS
        chunk = Chunk(ref.tenant, ref.run_id, ref.number, text, queued_until=queued, expires_at=expires)
        self.chunks.create(chunk)

    def _recipients(self, run: Run, ids: Sequence[str], zone: str, used: frozenset[str]) -> list[Recipient]:
        profiles = self.customers.get_many(run.tenant, ids)
        gates = self.gates.read(run.tenant, ids)
        now = self.clock.now()
        people = []
        for index, customer_id in enumerate(ids):
            person = recipient(run, index, customer_id, profiles.get(customer_id), zone, used)
            skip = exclusion(person, gates.get(customer_id), run, now)
            people.append(person if skip is None else _excluded(person, skip))
        return people

    def _note(self, run: Run, slice_: int, count: int, people: int) -> Run:
        def planned(stored: Run) -> Run:
            if str(slice_) in stored.slice_chunks or stored.finished_at is not None:
                # A run that was cancelled, and is over, gets nobody any more: it may be proven already.
                return stored
            chunks: Mapping[str, int] = {**stored.slice_chunks, str(slice_): count}
            done = len(chunks) >= stored.slices
            return replace(
                stored,
                slice_chunks=chunks,
                planned_slices=len(chunks),
                audience=stored.audience + people,
                chunks=stored.chunks + count,
                status="sending" if done and stored.status == "planning" else stored.status,
            )

        return change_run(self.runs, self.clock, run.tenant, run.id, planned)

    def _enqueue(self, run: Run, slice_: int) -> None:
        numbers = range(slice_ * SLICE_STRIDE, slice_ * SLICE_STRIDE + run.slice_chunks.get(str(slice_), 0))
        for batch in _batches(numbers, _REFS_A_PUT):
            waiting = [c.ref for c in self.chunks.get_many(run.tenant, run.id, batch) if c.work_left]
            if waiting:
                self.queue.put(waiting)


def recipient(
    run: Run, index: int, customer_id: str, customer: Customer | None, zone: str, used: frozenset[str]
) -> Recipient:
    """A line of the audience. A profile that is gone is `erased`."""
    if customer is None:
        return Recipient(index, customer_id, None, run.content.default_language, zone, skip="erased")
    spoken = customer.language
    language = spoken if spoken in run.content.languages else None
    return Recipient(
        index,
        customer_id,
        customer.email if run.channel == "email" else customer.phone,
        language or run.content.default_language,
        customer.zone or zone,
        customer_fields(customer, used),
    )


def _only_reserved(person: Recipient) -> Recipient:
    if person.address is None or is_reserved(person.address):
        return person
    return _excluded(person, "invalid_address")


def _excluded(person: Recipient, skip: Any) -> Recipient:
    # Nobody who is not written to needs an address in a file.
    return replace(person, skip=skip, address=None, fields={})


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
