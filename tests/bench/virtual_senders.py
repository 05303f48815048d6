"""Real senders in virtual time: each is a greenlet of its own, and every call, read, write and pause takes its time."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet

from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.holding import MemoryHolds, MemoryRunWatch, MemorySeal
from meghdoot.adapters.memory.messaging import MemoryAudience, MemoryChunks, MemoryGates
from meghdoot.adapters.memory.pacer import MemoryRateBook, MemoryReadings, MemoryStalls, MemoryTallies
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.announcing import AnnouncingQueue
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import CHUNK_SIZE, Chunk, ChunkRef, Demand, OutboundEmail, Outcome, Recipient, Run
from meghdoot.areas.messaging.pacing_model import FrameName, Page
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.areas.messaging.slots import SlotPacer, line_of
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring
from tests.support.killing import CONTENT, PlainComposers, Suppressed, address_key

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LINE = line_of("ses", "account")
ACCEPT = Outcome("accepted", "p")
THROTTLE = Outcome("retry", code="TooManyRequestsException")


class Timeline:
    """Virtual seconds since START; whoever sleeps lets the others run."""

    def __init__(self) -> None:
        self.at = 0.0
        self._queue: list[tuple[float, int, Any]] = []
        self._order = count()
        self._hub = getcurrent()

    def now(self) -> datetime:
        """The clock of all processes."""
        return START + timedelta(seconds=self.at)

    def start(self, body: Callable[[], None], at: float = 0.0) -> None:
        """A process that begins then."""
        heapq.heappush(self._queue, (at, next(self._order), greenlet(body, self._hub)))

    def sleep(self, seconds: float) -> None:
        """What time passes for the process that calls. In the hub nothing runs, and so no time passes."""
        if getcurrent() is self._hub:
            return
        # A microsecond more, for a datetime knows no less: whoever sleeps until an instant never wakes before it.
        heapq.heappush(self._queue, (self.at + seconds + 1e-6, next(self._order), getcurrent()))
        self._hub.switch()

    def run(self, until: float) -> None:
        """Let everybody run until then."""
        while self._queue and self._queue[0][0] <= until:
            self.at, _, process = heapq.heappop(self._queue)
            process.switch()
        self.at = until


class FairQueue:
    """As a fair queue with groups: fewest in flight goes first, then whose turn was longest ago, then the older message."""

    def __init__(self, time: Timeline) -> None:
        self.time = time
        self.waiting: dict[str, deque[tuple[float, ChunkRef]]] = defaultdict(deque)
        self.in_flight: Counter[str] = Counter()
        self.served: dict[str, float] = {}
        self.puts = 0

    def put(self, refs: Sequence[ChunkRef], *, delay_seconds: int = 0) -> None:
        """Enqueue."""
        self.puts += len(refs)
        for ref in refs:
            self.waiting[ref.tenant].append((self.time.at + delay_seconds, ref))

    def take(self) -> ChunkRef | None:
        """The next message, if one is visible."""
        ready = [t for t, group in self.waiting.items() if group and group[0][0] <= self.time.at]
        if not ready:
            return None
        tenant = min(ready, key=lambda t: (self.in_flight[t], self.served.get(t, -1.0), self.waiting[t][0][0]))
        self.in_flight[tenant] += 1
        self.served[tenant] = self.time.at
        return self.waiting[tenant].popleft()[1]


@dataclass
class CountingBook(MemoryRateBook):
    """Remembers each write by its key and its second."""

    time: Timeline | None = None
    writes: list[tuple[float, Any]] = field(default_factory=list)

    def claim(self, frame: FrameName, combs: Any, word: str, expires_at: int) -> tuple[bool, Page]:
        assert self.time is not None
        done, page = super().claim(frame, combs, word, expires_at)
        self.writes.append((self.time.at, frame))
        return done, page

    def wait(self, line: str, word: str, expires_at: int) -> None:
        assert self.time is not None
        super().wait(line, word, expires_at)
        self.writes.append((self.time.at, line))


@dataclass(frozen=True)
class Latency:
    """Seconds, evenly between two bounds."""

    call: tuple[float, float] = (0.020, 0.100)
    store: tuple[float, float] = (0.004, 0.016)
    queue: tuple[float, float] = (0.010, 0.040)


@dataclass
class Senders:
    """A deployment's senders over one account's rate."""

    rate: float
    workers: int
    seed: int = 1
    throttled: float = 0.01
    latency: Latency = Latency()
    calls: list[tuple[float, str]] = field(default_factory=list)
    """When which tenant's mail was called for."""

    name: str = "ses"

    def __post_init__(self) -> None:
        self.time, self.random = Timeline(), Random(self.seed)
        self.queue = FairQueue(self.time)
        self.runs: MemoryRecords[Run] = MemoryRecords("run", lambda r: r.status)
        self.chunks, self.audience, self.gates = MemoryChunks(self._store), MemoryAudience(self._store), GateStore()
        self.book = CountingBook(self._store, time=self.time)
        self.tallies, self.readings = MemoryTallies(self._store), MemoryReadings(self._store)
        self.holds, self.mails = MemoryHolds(), Mails(PlainComposers(), Keyring({"k1": b"0" * 32}, "k1"))
        for number in range(self.workers):
            # Processes begin at any moment, not all at once.
            self.time.start(self._worker(number), at=self.random.random())

    def _store(self, name: str) -> None:
        if name.startswith("before"):
            self.time.sleep(self.random.uniform(*self.latency.store))

    def send(self, mail: OutboundEmail) -> Outcome:
        """The provider."""
        self.calls.append((self.time.at, mail.tags["tenant"]))
        self.time.sleep(self.random.uniform(*self.latency.call))
        return THROTTLE if self.random.random() < self.throttled else ACCEPT

    def pacer(self, name: str) -> SlotPacer:
        """A process's pacer."""
        return SlotPacer(self.book, self.tallies, self.readings, MemoryStalls(self._store), self.rate, lambda: name)

    def _worker(self, number: int) -> Callable[[], None]:
        clock: Any = self.time
        sender = SenderService(
            self.runs, self.chunks, self.audience, MemoryGates(self.gates, self._store),
            AnnouncingQueue(self.queue, self.book, LINE, clock), self, self.pacer(f"w{number}"), self.mails,
            Suppressed(self.gates), address_key, clock, SystemIds(clock, self.random.randbytes), self.time.sleep,
            self.random.random, MemoryRunWatch(self.runs, self.holds, self._store), MemorySeal(),
        )  # fmt: skip

        def work() -> None:
            while True:
                self.time.sleep(self.random.uniform(*self.latency.queue))
                ref = self.queue.take()
                if ref is None:
                    continue
                end = self.time.at + 300
                sender.handle(ref, lambda end=end: end - self.time.at)  # type: ignore[misc]
                self.queue.in_flight[ref.tenant] -= 1

        return work

    def launch(self, tenant: str, people: int, **more: Any) -> None:
        """A run of so many people whose chunks are queued now."""
        now, run_id = self.time.now(), f"run-{tenant}"
        self.runs.add(
            Run(
                tenant, run_id, None, "e1", "email", more.pop("purpose", "marketing"), "sending", (), CONTENT, now, now,
                now, now + timedelta(days=8), 7, **more,
            )
        )  # fmt: skip
        refs = []
        for begin in range(0, people, CHUNK_SIZE):
            size = min(CHUNK_SIZE, people - begin)
            chunk = Chunk(tenant, run_id, begin // CHUNK_SIZE, "." * size)
            ids = [f"{tenant}-{begin + n:07d}" for n in range(size)]
            for customer in ids:
                self.gates.put(ContactGate(tenant, customer, 1, frozenset({"em:m"}), zone="Asia/Dhaka"))
            fields = {"first_name": "Rita"}
            self.audience.files[chunk.ref] = tuple(
                Recipient(n, customer, f"{customer}@x.example", "en", None, fields) for n, customer in enumerate(ids)
            )
            self.chunks.items[chunk.ref] = chunk
            refs.append(chunk.ref)
        AnnouncingQueue(self.queue, self.book, LINE, self.time).put(refs)  # type: ignore[arg-type]

    def used(self, begin: float, end: float) -> float:
        """The part of the granted rate that was used between two seconds."""
        return sum(begin <= at < end for at, _ in self.calls) / (end - begin) / self.rate

    def most_in_a_second(self) -> int:
        """The most calls in any sliding second."""
        times = sorted(at for at, _ in self.calls)
        most = last = 0
        for first, at in enumerate(times):
            while last < len(times) and times[last] < at + 1 - 1e-9:
                last += 1
            most = max(most, last - first)
        return most

    def first_call(self, tenant: str) -> float:
        """When the first mail of a tenant was called for."""
        return min(at for at, whose in self.calls if whose == tenant)

    def hottest_key(self) -> int:
        """The most writes that one key of pacing took in any clock second."""
        return max(Counter((key, int(at)) for at, key in self.book.writes).values(), default=0)


def urgent(tenant: str) -> Demand:
    """One transactional mail."""
    return Demand("ses", "account", tenant, None, urgent=True)
