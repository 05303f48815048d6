"""A whole campaign in memory, with real services, whose process can be ended at any of its I/O calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from meghdoot.adapters.memory.email import MemoryProvider
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.holding import MemoryHolds, MemoryRunWatch, MemorySeal
from meghdoot.adapters.memory.messaging import (
    MemoryAudience,
    MemoryChunkQueue,
    MemoryChunks,
    MemoryEvidence,
    MemoryGates,
    MemoryLiveRuns,
    MemoryRunCounters,
    MemorySendRows,
)
from meghdoot.adapters.memory.pacer import MemoryPacer
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.memory.roots import MemoryRoots
from meghdoot.adapters.memory.soft_bounces import MemorySoftBounces
from meghdoot.adapters.memory.tenants import MemoryIdentityOwners, memory_tenants
from meghdoot.adapters.memory.touches import MemoryRunLinks
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.content.model import Footer, PersonLinks
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.chunk_views import ChunkViews
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import ChunkRef, Fact, OutboundEmail, Run, RunContent
from meghdoot.areas.messaging.planner import PlannerService
from meghdoot.areas.messaging.proving import ProofService
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.areas.messaging.service import RunService
from meghdoot.areas.messaging.soft_bounces import SoftBounces
from meghdoot.areas.messaging.sweeper import SweeperService
from meghdoot.areas.messaging.turn import Handled
from meghdoot.areas.segments.model import Segment
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring

TENANT = "acme"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CONTENT = RunContent(
    template_id="t1",
    template_version=1,
    subject_line="Hello",
    subject_line_bn=None,
    sender_name="Acme",
    sender_email="news@acme.example",
    reply_to=None,
    languages=("en",),
    default_language="en",
    footer=Footer("Acme", "1 Road, Dhaka", None),
    public_url="https://m.acme.example",
)


class Killed(BaseException):
    """The process is gone: no handler of exceptions runs, as after a kill by the platform."""


@dataclass
class Switch:
    """Counts I/O events and does something at one of them: by default it ends the process."""

    at: int | None = None
    do: Callable[[], None] | None = None
    seen: int = 0
    names: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        self.names.append(name)
        self.seen += 1
        if self.at is not None and self.seen == self.at + 1:
            if self.do is None:
                raise Killed(name)
            self.do()


@dataclass
class PlainComposers:
    """Writes a two-line mail; people whose first name is `None` lack a variable."""

    prepared: int = 0

    def of(self, run: Run, language: str) -> PlainComposers:
        self.prepared += 1
        return self

    def mail(
        self, to: str, fields: Mapping[str, Any], personal: PersonLinks, *, message_id: str, date: datetime
    ) -> bytes:
        if "first_name" not in fields:
            raise Invalid("first_name is missing", code="render_error")
        if "\n" in to:
            raise Invalid("no address", code="bad_address")
        head = f"To: {to}\nMessage-ID: <{message_id}@acme.example>\nList-Unsubscribe: <{personal.unsubscribe_url}>\n"
        return f"{head}\nHi {fields['first_name']}".encode()


@dataclass
class PlainCustomers:
    """As much of the customers as planning needs."""

    profiles: dict[str, Customer]

    def get_many(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, Customer]:
        return {c: self.profiles[c] for c in customer_ids if c in self.profiles}


@dataclass
class PlainEngine:
    """Everybody meets every segment."""

    ids: list[str]

    def members(
        self, tenant: str, criteria: list[Any], *, now: datetime, zone: str, slice_: int, slices: int
    ) -> Iterator[str]:
        return (c for c in sorted(self.ids) if bucket("audience", c, slices) == slice_)


@dataclass
class Suppressed:
    """Records what was suppressed, and closes the gate as consent's service does."""

    gates: GateStore
    calls: list[tuple[str, str, str, str | None]] = field(default_factory=list)

    def suppress(
        self,
        tenant: str,
        address_key: str,
        channel: str,
        reason: str,
        *,
        customer_id: str | None = None,
        evidence: str | None = None,
    ) -> bool:
        call = (tenant, address_key, reason, customer_id)
        is_new = call not in self.calls
        self.calls.append(call)
        gate = self.gates.get(tenant, customer_id) if customer_id else None
        if gate is not None:
            codes = frozenset(code for code in gate.granted if not code.startswith("em"))
            self.gates.put(
                ContactGate(
                    tenant, gate.customer_id, gate.version + 1, codes, gate.suppressed | {"em"}, gate.zone, gate.counted
                )
            )
        return is_new


def address_key(tenant: str, address: str) -> str:
    """A stand-in for the keyed digest."""
    return f"key-of-{address.lower()}"


class World:
    """Memory adapters that share one switch, and the services over them."""

    def __init__(self, people: int, slices: int = 1, switch: Switch | None = None) -> None:
        self.clock = ManualClock(START)
        self.switch = switch or Switch()
        self.watched = self.stay_watched = False
        self.ids_made = 0
        self.gates = GateStore()
        self.ids = [f"c{n:05d}" for n in range(people)]
        self.profiles = {
            c: Customer(TENANT, c, START, START, email=f"{c}@x.example", first_name="Rita") for c in self.ids
        }
        for c in self.ids:
            self.gates.put(ContactGate(TENANT, c, 1, frozenset({"em:m"}), zone="Asia/Dhaka"))
        io = self._io
        self.live = MemoryLiveRuns()
        self.tenants = memory_tenants()
        self.runs: MemoryRecords[Run] = MemoryRecords("run", lambda r: r.status)
        self.segments: MemoryRecords[Segment] = MemoryRecords("segment")
        self.segments.add(Segment(TENANT, "s1", "All", None, None, "custom", {}, True, "me", START, START))
        self.chunks, self.audience, self.queue = MemoryChunks(io), MemoryAudience(io), MemoryChunkQueue(io)
        self.rows, self.evidence, self.provider = MemorySendRows(io), MemoryEvidence(io), MemoryProvider(io=io)
        self.pacer, self.suppressed = MemoryPacer(io=io), Suppressed(self.gates)
        self.owners, self.roots = MemoryIdentityOwners(), MemoryRoots(io)
        self.holds, self.seal = MemoryHolds(io), MemorySeal(io=io)
        self.composers = PlainComposers()
        self.mails = Mails(self.composers, Keyring({"k1": b"0" * 32}, "k1"))
        self._services(slices)

    def _services(self, slices: int) -> None:
        ids, gates = SystemIds(self.clock, self._noise), MemoryGates(self.gates, self._io)
        self.service = RunService(
            self.runs,
            MemoryRunLinks(),
            self.segments,
            self.chunks,
            self.queue,
            MemoryRunCounters(self.rows),
            self.clock,
            ids,
        )
        self.planner = PlannerService(
            self.runs, self.live, self.tenants, PlainEngine(self.ids), PlainCustomers(self.profiles), gates, self.audience,
            self.chunks, self.queue, lambda _run: frozenset({"first_name"}), self.clock,
        )  # fmt: skip
        views = ChunkViews(self.chunks, self.audience, self.rows)
        self.proofs = ProofService(self.runs, views, self.roots, self.clock)
        self.sweeper = SweeperService(
            self.runs, self.live, self.chunks, self.audience, self.queue, self.rows, self.evidence, self.clock, "memory",
            self.holds, self.proofs,
        )  # fmt: skip
        soft = SoftBounces(MemorySoftBounces(self.rows, self._io))
        self.receipts = ReceiptService(self.rows, self.suppressed, address_key, self.owners, self.evidence, soft)
        self._slices = slices

    def _io(self, name: str) -> None:
        if self.watched:
            self.switch(name)

    def _noise(self, size: int) -> bytes:
        self.ids_made += 1
        return self.ids_made.to_bytes(size, "big")

    def sender(self) -> SenderService:
        """A fresh process."""
        return SenderService(
            self.runs, self.chunks, self.audience, MemoryGates(self.gates, self._io), self.queue, self.provider,
            self.pacer, self.mails, self.suppressed, address_key, self.clock, SystemIds(self.clock, self._noise),
            lambda seconds: self.clock.advance(seconds=seconds), lambda: 0.5,
            MemoryRunWatch(self.runs, self.holds, self._io), self.seal,
        )  # fmt: skip

    def launch(self, **wanted: Any) -> Run:
        """Create and plan a run; its chunks wait in the queue."""
        defaults: dict[str, Any] = {
            "email_campaign_id": "e1", "campaign_id": None, "purpose": "marketing", "segment_ids": ["s1"],
            "content": CONTENT, "attribution_days": 7, "daily_cap": None, "weekly_cap": None,
            "expected_people": 50_000 * self._slices,
        }  # fmt: skip
        run = self.service.create_run(TENANT, **(defaults | wanted))
        slice_: int | None = 0
        while slice_ is not None:
            slice_ = self.planner.plan_slice(TENANT, run.id, slice_)
        return self.service.get(TENANT, run.id)

    def deliver(self, ref: ChunkRef, seconds: float = 300.0) -> Handled:
        """One queue message to one fresh process that has so many seconds."""
        end = self.clock.now() + timedelta(seconds=seconds)
        return self.sender().handle(ref, lambda: (end - self.clock.now()).total_seconds())

    def deliver_watched(self, ref: ChunkRef) -> None:
        """The same, under the switch."""
        self.watched = True
        try:
            self.deliver(ref)
        except Killed:
            pass
        finally:
            self.watched = self.stay_watched

    def drain(self, turns: int = 20) -> None:
        """Sweep and deliver until the run is over, an hour at a time."""
        for _ in range(turns):
            for ref in self.queue.take():
                self.deliver(ref)
            self.clock.advance(minutes=20)
            if not any(swept.work_left for _, swept in self.sweeper.sweep_all()):
                return
        raise AssertionError("the run never ends")

    def accepted(self) -> Counter[str]:
        """Customers by how often the provider truly took a mail for them."""
        return Counter(mail.tags["customer"] for mail in self.provider.accepted)

    def letters(self, run: Run) -> dict[str, str]:
        """Customer to letter."""
        found = {}
        for chunk in self.chunks.items.values():
            if chunk.run_id == run.id:
                for person in self.audience.files[chunk.ref]:
                    found[person.customer_id] = chunk.letters[person.index]
        return found

    def delivery_of(self, mail: OutboundEmail, kind: str = "delivered", **more: Any) -> Fact:
        """The provider's word about a mail."""
        tags = mail.tags
        return Fact(
            "memory", kind, self.clock.now(), f"{kind}-{tags['key']}", accepted_at=self.clock.now(),  # type: ignore[arg-type]
            tenant=tags["tenant"], run_id=tags["run"], chunk=int(tags["chunk"]), index=int(tags["index"]),
            customer_id=tags["customer"], send_key=tags["key"], minute=tags["minute"], address=mail.to,
            mail_hash=tags["hash"], mailed_at=int(tags["date"]), key_id=tags["kid"], **more,
        )  # fmt: skip


def people(world: World, run: Run) -> dict[str, int]:
    """How many stand in each state."""
    return world.service.accounting(world.service.get(TENANT, run.id))


def launched(people: int = 30, **wanted: object) -> tuple[World, Run, ChunkRef]:
    """A run of one chunk whose message was taken from the queue."""
    world = World(people)
    run = world.launch(**wanted)
    (ref,) = world.queue.take()
    return world, run, ref
