"""The whole house of sending in one process: real services over memory adapters, under one scheduler and one weather."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from meghdoot.adapters.dynamodb.streams import activity_batch
from meghdoot.adapters.lake.archive import Archive
from meghdoot.adapters.memory.effects import silent
from meghdoot.adapters.memory.holding import MemoryHolds, MemoryRunWatch, MemorySeal
from meghdoot.adapters.memory.pacer import MemoryPacer, MemoryRateBook, MemoryReadings, MemoryStalls, MemoryTallies
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.memory.roots import MemoryRoots
from meghdoot.adapters.memory.soft_bounces import MemorySoftBounces
from meghdoot.adapters.memory.tenants import MemoryIdentityOwners, memory_tenants
from meghdoot.adapters.memory.touches import MemoryRunLinks
from meghdoot.adapters.queues import parse_ref
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.areas.consent.holders import HolderSuppression
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.messaging.chunk_views import ChunkViews
from meghdoot.areas.messaging.model import Fact
from meghdoot.areas.messaging.planner import PlannerService
from meghdoot.areas.messaging.proving import ProofService
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.areas.messaging.recipients import RecipientService
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.areas.messaging.sending import SendingService
from meghdoot.areas.messaging.service import RunService
from meghdoot.areas.messaging.soft_bounces import SoftBounces
from meghdoot.areas.messaging.sweeper import SweeperService
from meghdoot.kernel.errors import AppError, Unavailable
from tests.sim import stores
from tests.sim.faults import Weather, failure
from tests.sim.people import KEYRING, SEGMENT, People, address_key
from tests.sim.provider import Provider
from tests.sim.queues import Queue
from tests.sim.runway import Runway
from tests.sim.scheduler import Killed, Scheduler, SimClock, Worker
from tests.sim.stand_ins import RATES, AmplePacer, ChunkMessages, Ids, OlderChunks, OlderPacer, PlainMails, Room, build
from tests.sim.streams import ARN, Stream
from tests.sim.watch import Watch
from tests.support.killing import PlainComposers

USED_FIELDS = frozenset({"first_name"})
_MARGIN = 5.0
_STALLS = (20.0, 90.0, 400.0, 2500.0)


class World:
    """Stores, queues, provider, services; `io` is the hook of all adapters."""

    def __init__(self, seed: int, start: float, allowed: frozenset[str] | None, gates: type = stores.Gates) -> None:
        self.scheduler = s = Scheduler(start, seed)
        self.chance = s.chance
        self.clock, self.weather, self.watch = SimClock(s), Weather(s.random, allowed), Watch(s)
        self.trace: list[tuple[float, str, str]] = []
        self.excuses = 0
        """Lives of senders that ended with people of a wave in the air, perhaps."""
        self.foreign = "message_foreign" in self.weather.queue
        self.weather.queue = tuple(k for k in self.weather.queue if k != "message_foreign")
        self._timing()
        self.people = People(s.random, self._count(), self.io)
        self.rate = RATES[int(self.chance() * len(RATES))]
        self._stores(gates)
        self._queues()
        self._services()
        self.idle: list[Room] = []
        self.processes = 0
        self.is_paced = self.chance() < 0.35
        self.paced = self.is_paced and not {"clock_skew", "older_code"} & set(self.weather.worker)

    def _count(self) -> int:
        return 8 + int(self.chance() * (8 if self.chance() < 0.88 else 40))

    def _timing(self) -> None:
        u = self.chance()
        # Never uniform alone: most I/O is quick, some takes a thousand times as long; some seeds come in bursts.
        self.base = 0.0 if u < 0.2 else 0.001 if u < 0.9 else 0.008
        if not self.weather.io_rate or not (self.weather.before or self.weather.after):
            self.base = min(self.base, 0.0005)
        self.call_base = 0.0 if u < 0.1 else 0.06

    def _stores(self, gates: type) -> None:
        io, watch, again = self.io, self.watch, self.again
        self.gate_store = self.people.gate_store
        for customer, gate in self.people.gates.items():
            self.gate_store.put(gate)
            if "em:m" not in gate.granted:
                watch.closed[customer] = 0
                watch.ever_closed.add(customer)
            if gate.suppressed:
                watch.shut[customer] = 0
            watch.zones[customer] = gate.zone  # type: ignore[index]
        watched = stores.WatchedDict(watch.gate)
        dict.update(watched, self.gate_store._gates)
        self.gate_store._gates = watched
        self.runs = stores.Runs("run", lambda r: r.status, io)
        self.runs._items = stores.WatchedDict(watch.run)
        self.segments: MemoryRecords[Any] = MemoryRecords("segment")
        self.segments.add(SEGMENT)
        self.audience = stores.Audience(io)
        watch.people = self.audience.files
        self.chunks = stores.Chunks(io, stores.WatchedDict(watch.chunk))
        self.older_chunks = OlderChunks(io, self.chunks.items)
        self.rows = stores.Rows(io, stores.WatchedDict(self._row), io)
        self.evidence = stores.Evidence(io)
        watch.evidence = self.evidence.marks
        self.live = stores.LiveRuns(io=io)
        self.gates = gates(self.gate_store, io, io)
        self.touches = stores.Touches(io)
        self.touches._first = stores.WatchedDict(self._touch)
        self.counters = stores.Counters(io)
        self.bucket = stores.Bucket(io)
        # The pacer's own reads and writes are switch points in some seeds only: there are many of them.
        inner = io if self.chance() < 0.25 else silent
        self.pacing = (MemoryRateBook(inner), MemoryTallies(inner), MemoryReadings(inner), MemoryStalls(inner))
        self.holds, self.seal = MemoryHolds(io, stores.WatchedDict(watch.hold)), MemorySeal(io=io)
        watch.holds, watch.seal = self.holds.items, self.seal
        self.restored_too: list[dict[Any, Any]] = []
        """More stores that come back from a backup."""
        self.lost_runs: set[str] = set()
        """Runs of which the restored tables know nothing."""
        self.ledger = stores.Ledger(self.gate_store, io)
        self.ledger._entries = stores.WatchedDict(watch.consent)
        self.suppressions = stores.Suppressions(self.gate_store, io)
        self.log = stores.WithdrawalLog(io)
        for store in (
            self.runs, self.audience, self.chunks, self.older_chunks, self.rows, self.evidence, self.live, self.gates,
            self.touches, self.counters, self.ledger, self.suppressions, self.log,
        ):  # fmt: skip
            store.again = again

    def _queues(self) -> None:
        s, chance = self.scheduler, self.chance
        lives = (45.0, 90.0, 295.0)
        self.chunk_queue = Queue(
            s, self.weather, "sender", self._send, life=lambda: lives[int(chance() * 3)],
            visibility=1800.0, receives=4 if chance() < 0.2 else 20, concurrency=1 + int(chance() * 4),
        )  # fmt: skip
        self.receipt_queue = Queue(
            s, self.weather, "receipts", self._record, life=lambda: 60.0, visibility=360.0, receives=5,
            concurrency=1 + int(chance() * 2), batch=10, window=8.0 if chance() < 0.7 else 0.0,
        )  # fmt: skip
        # What a provider says gets lost by itself (`event_lost`), not in our queue.
        self.receipt_queue.kinds = tuple(k for k in self.weather.queue if k != "message_lost")
        self.stream = Stream(s, self.weather, 1 + int(chance() * 2))
        self.counter_service, self.archive = CounterService(self.counters), Archive(self.bucket)
        self.stream.read_by("counters", self._counted)
        self.archives = self.chance() < 0.4
        if self.archives:
            self.stream.read_by("archive", lambda shard, records: self._kept(self.archive.append(shard, records)))

    def _services(self) -> None:
        self.provider = Provider(
            self.scheduler, self.clock, self.weather, self.watch, self.io, self.receipt_queue.put
        )  # fmt: skip
        ids, io = Ids(), self.io
        consent = ConsentService(self.ledger, self.suppressions, self.log, self.clock, ids)
        seen = MemoryRecords("run")
        seen._items = self.runs._items
        self.ports: dict[str, Any] = {
            "runs": self.runs, "live": self.live, "tenants": memory_tenants(), "engine": self.people,
            "customers": self.people, "gates": self.gates, "audience": self.audience, "chunks": self.chunks,
            "queue": ChunkMessages(self), "used_fields": lambda _run: USED_FIELDS, "clock": self.clock,
            "links": MemoryRunLinks(), "segments": self.segments, "counters": self.counters, "ids": ids,
            "rows": self.rows, "evidence": self.evidence, "provider": self.provider, "holds": self.holds,
            "mails": PlainMails(PlainComposers(), KEYRING),
            "suppression": consent, "address_key": address_key, "pause": self.pause, "chance": self.chance,
            "watch": MemoryRunWatch(seen, self.holds, io), "seal": self.seal, "owners": MemoryIdentityOwners(),
            "consent": consent, "touches": self.touches,
        }  # fmt: skip
        self.consent = consent
        self.service: RunService = build(RunService, self.ports)
        self.planner: PlannerService = build(PlannerService, self.ports)
        self.roots, self.views = MemoryRoots(io), ChunkViews(self.chunks, self.audience, self.rows)
        proofs = ProofService(self.runs, self.views, self.roots, self.clock) if self.chance() < 0.25 else None
        self.proves = proofs is not None
        self.sweeper: SweeperService = build(SweeperService, self.ports | {"provider": "memory", "proofs": proofs})
        soft = SoftBounces(MemorySoftBounces(self.rows, io))
        closing = {"suppression": HolderSuppression(self.people, consent), "soft": soft}
        self.receipts: ReceiptService = build(ReceiptService, self.ports | closing)
        self.build = build
        self.sending: SendingService = build(SendingService, self.ports | {"runs": self.service})
        self.recipients: RecipientService = build(RecipientService, self.ports)

    # --- the hook -------------------------------------------------------------------------------------

    def io(self, place: str) -> None:
        """Before and after every effect: time passes, and something may go wrong."""
        s = self.scheduler
        worker = s.current
        if worker is None:
            return
        if worker.dead or (worker.process is not None and worker.is_gone):
            raise Killed(place)
        self.trace.append((s.now, worker.name, place))
        if place in _NOTED:
            self._note(worker, place)
        weather, chance = self.weather, self.chance
        if weather.on and chance() < weather.io_rate:
            self._fault(worker, place)
        if place == "before send" or place == "after send":
            s.sleep(min(self.call_base / (chance() + 0.004), 12.0))
        else:
            s.sleep(self.base / (chance() + 0.0008))
        if worker.dead or (worker.process is not None and worker.is_gone):
            raise Killed(place)
        if s.now > worker.deadline and not worker.outlives:
            self._platform_kill(worker, place)

    def pause(self, seconds: float) -> None:
        """The sender's sleep."""
        worker = self.scheduler.current
        self.scheduler.sleep(seconds)
        if worker is None:
            return
        if worker.dead or (worker.process is not None and worker.is_gone):
            raise Killed("pause")
        if self.scheduler.now > worker.deadline and not worker.outlives:
            self._platform_kill(worker, "pause")

    def again(self) -> bool:
        """Whether the reply of the present call is lost, and the client calls once more."""
        weather = self.weather
        return self.scheduler.current is not None and bool(weather.drawn(weather.repeat, weather.io_rate))

    def _note(self, worker: Worker, place: str) -> None:
        if place == "after read gates":
            worker.read = self.watch.steps
        elif place == "before send":
            worker.called_at = self.scheduler.now
            if self.paced:
                self.watch.pace(self.scheduler.now, self.rate)
        else:
            worker.looked = self.watch.steps

    def _fault(self, worker: Worker, place: str) -> None:
        weather, first = self.weather, place[0]
        menu = weather.before if first == "b" else weather.after if first == "a" else weather.between
        if not menu:
            return
        kind = menu[int(self.chance() * len(menu))]
        if worker.outlives and self.chance() < 0.5:
            self._stand_still(worker, place)
            return
        if place.endswith("send") and kind in ("throttled", "unavailable", "reply_lost"):
            # A provider's client answers with outcomes, it raises nothing.
            return
        weather.happened[kind] += 1
        self.trace.append((self.scheduler.now, worker.name, f"! {kind} {place}"))
        if kind == "stall":
            self.scheduler.sleep(self.chance() * _STALLS[int(self.chance() * len(_STALLS))])
            return
        error = failure(kind, place)
        if error is not None:
            worker.dead = isinstance(error, Killed)
            raise error

    def _stand_still(self, worker: Worker, place: str) -> None:
        """Somebody whom no platform ends sleeps until others have taken over."""
        self.weather.happened["stall"] += 1
        self.trace.append((self.scheduler.now, worker.name, f"! sleep {place}"))
        self.scheduler.sleep(300.0 + self.chance() * 2500.0)

    def _platform_kill(self, worker: Worker, place: str) -> None:
        worker.dead = True
        self.weather.happened["platform_kill"] += 1
        raise Killed(place)

    # --- what the functions do ----------------------------------------------------------------------------------

    def _send(self, worker: Worker, bodies: list[Any]) -> list[int]:
        room = self.idle.pop() if self.idle else self._room()
        worker.skew = room.skew
        worker.outlives = bool(self.weather.drawn(_only("outlives_lease", self.weather), 0.25))
        clock, end = self.scheduler, worker.deadline
        try:
            handled = room.service.handle(parse_ref(bodies[0]), lambda: end - clock.now - _MARGIN)
        except Killed:
            self.excuses += 1
            raise
        except AppError as e:
            worker.error = e
            self.excuses += 1
            self.idle.append(room)
            return [0]
        self.excuses += handled.result == "fenced"
        self.idle.append(room)
        return []

    def pacer(self) -> Any:
        """One process's part of the pacer."""
        if not self.is_paced:
            return AmplePacer(self.rate)
        # Slots in hand cost no I/O: only the book and the tallies are far away.
        pacer = MemoryPacer(self.rate, silent, *self.pacing)
        self.processes += 1
        name = f"p{self.processes}"
        pacer.slots.worker = lambda: name
        return pacer

    def _room(self) -> Room:
        ports = self.ports | {"pacer": self.pacer()}
        if self.weather.drawn(_only("older_code", self.weather), 0.25):
            rate = RATES[int(self.chance() * len(RATES))]
            ports = ports | {"chunks": self.older_chunks, "pacer": OlderPacer(ports["pacer"], rate)}
        if self.chance() < 0.35:
            ports["runway"] = Runway(self, 2 + int(self.chance() * 4))
        skewed = self.weather.drawn(_only("clock_skew", self.weather), 0.25)
        return Room(build(SenderService, ports), (self.chance() - 0.5) * 20.0 if skewed else 0.0)

    def _record(self, _worker: Worker, facts: list[Fact]) -> list[int]:
        try:
            self.receipts.record(facts)
        except AppError:
            return [number for number, fact in enumerate(facts) if not self._recorded(fact)]
        return []

    def _recorded(self, fact: Fact) -> bool:
        try:
            self.receipts.record([fact])
        except AppError:
            return False
        return True

    def _counted(self, shard: str, records: Any) -> None:
        batch = activity_batch({"Records": records, "shardId": shard, "eventSourceARN": ARN})
        if batch.unreadable:
            self.watch.broken(f"a record of the stream cannot be read: {batch.unreadable}")
        if self.counter_service.count(batch.stream, batch.shard, batch.changes):
            raise Unavailable("counters could not be written")

    def _kept(self, appended: Any) -> None:
        if appended.failed is not None:
            self.watch.broken(f"the archive cannot read record {appended.failed}")

    def _row(self, key: Any, old: Any, new: Any) -> None:
        self.watch.row(key, old, new)
        self.stream.row(old, new)

    def _touch(self, _key: Any, old: Any, new: Any) -> None:
        if old is None:
            self.watch.sums[new.run_id][new.kind] += 1
            self.stream.touch(new)

    def job(
        self, kind: str, work: Callable[[Worker], object], *, life: float = 60.0, tries: int = 1, wait: float = 30.0
    ) -> None:
        """A process that somebody starts again after a failure, so many times in all."""

        def ended(worker: Worker) -> None:
            if worker.error is not None and tries > 1:
                delay = wait * self.chance() + 0.01
                self.scheduler.after(delay, lambda: self.job(kind, work, life=life, tries=tries - 1, wait=wait))

        self.scheduler.spawn(kind, life, work, ended)


def _only(kind: str, weather: Weather) -> tuple[str, ...]:
    return (kind,) if kind in weather.worker else ()


_NOTED = frozenset({"after read gates", "after look", "after get run", "before send"})
