"""One process, many workers, one line of virtual time: at every I/O the worker with the earliest wake-up goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet

from meghdoot.kernel.errors import AppError


class Killed(BaseException):
    """The process is gone: no handler of exceptions runs."""


class Worker:
    """One life of one process: when the platform ends it, and what it has done in its present wave."""

    __slots__ = (
        "begun", "called_at", "claims", "dead", "deadline", "error", "greenlet", "kind", "looked", "name", "outlives",
        "process", "read",
        "settled", "skew",
    )  # fmt: skip

    def __init__(self, name: str, kind: str, born: float, deadline: float) -> None:
        self.name = name
        self.kind = kind
        self.deadline = deadline
        self.outlives = False
        """No platform ends it: it may wake up after its lease."""
        self.skew = 0.0
        self.dead = False
        """What runs on in it (a `finally`) has no effect any more."""
        self.claims: dict[str, int] = {}
        """Customer to the step of the last claim that this worker wrote."""
        self.read = -1
        """Step of its last reading of gates."""
        self.looked = -1
        """Step of its last look at the run."""
        self.begun = -1
        """Step of the same."""
        self.called_at = born
        """When it began its present call of the provider."""
        self.settled = born
        """Time of its last taking of a chunk or ending of a wave: its present wave began then or later."""
        self.error: BaseException | None = None
        self.process: Worker | None = None
        """The process whose part this is."""
        self.greenlet: Any = None

    def knows(self, process: Worker) -> None:
        """Be a part of a process, with what it knows now."""
        self.process, self.kind = process, process.kind
        self.claims, self.read, self.looked, self.begun = process.claims, process.read, process.looked, process.begun
        self.settled, self.skew, self.outlives = process.settled, process.skew, process.outlives

    @property
    def is_gone(self) -> bool:
        """Whether nothing that it does has an effect any more."""
        return self.dead or (self.process is not None and self.process.dead)


class Scheduler:
    """The line of time. Ties are broken by chance, so that bursts come in any order."""

    def __init__(self, start: float, seed: int) -> None:
        self.random = Random(seed)
        self.chance = self.random.random
        self.start = start
        self.now = start
        self.heap: list[tuple[float, float, int, Any]] = []
        self.current: Worker | None = None
        self._sequence = count()
        self._hub: Any = getcurrent()
        self.spawned = 0
        self.unexpected: list[str] = []
        self.alive: dict[str, Worker] = {}

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Call something at a time; it does no I/O itself."""
        heappush(self.heap, (when, self.chance(), next(self._sequence), what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Call something after so many seconds."""
        heappush(self.heap, (self.now + seconds, self.chance(), next(self._sequence), what))

    def spawn(
        self, kind: str, life: float, work: Callable[[Worker], object], ended: Callable[[Worker], None] | None = None
    ) -> Worker:
        """A process that begins now and has `life` seconds; `ended` is told of its end, with the error if it had one."""
        self.spawned += 1
        worker = Worker(f"{kind}-{self.spawned}", kind, self.now, self.now + life)

        def body() -> None:
            try:
                work(worker)
            except (Killed, AppError) as e:
                worker.error = e
            except Exception as e:
                # No service may end in any other way.
                worker.error = e
                self.unexpected.append(f"{worker.name} ended with {type(e).__name__}: {e}")
            self.current = None
            del self.alive[worker.name]
            if ended is not None:
                ended(worker)

        worker.greenlet = greenlet(body, self._hub)
        self.alive[worker.name] = worker
        heappush(self.heap, (self.now, self.chance(), next(self._sequence), worker))
        return worker

    def end_all(self) -> None:
        """Every process of now is gone: what it does next has no effect."""
        for worker in self.alive.values():
            worker.dead = True

    def sleep(self, seconds: float) -> None:
        """Time passes for the current worker, and others go on meanwhile."""
        until = self.now + seconds
        heap = self.heap
        if heap and heap[0][0] <= until:
            worker = self.current
            heappush(heap, (until, self.chance(), next(self._sequence), worker))
            self._hub.switch()
        else:
            self.now = until

    def park(self) -> None:
        """Wait until somebody wakes the current worker."""
        self._hub.switch()

    def wake(self, worker: Worker) -> None:
        """Let a parked worker go on now."""
        heappush(self.heap, (self.now, self.chance(), next(self._sequence), worker))

    def run(self, until: float) -> None:
        """Let everything happen that happens until then."""
        self._hub = getcurrent()
        heap = self.heap
        while heap and heap[0][0] <= until:
            when, _, _, what = heappop(heap)
            self.now = max(when, self.now)
            if what.__class__ is Worker:
                self.current = what
                what.greenlet.switch()
                self.current = None
            else:
                what()
        self.now = max(self.now, until)


class SimClock:
    """The clock of whoever asks: a worker's own may go wrong by some seconds."""

    _EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._known = -1.0
        self._at = self._EPOCH

    def now(self) -> datetime:
        """The present instant."""
        scheduler = self._scheduler
        worker = scheduler.current
        now = scheduler.now if worker is None else scheduler.now + worker.skew
        if now != self._known:
            self._known = now
            self._at = self._EPOCH + timedelta(microseconds=int(now * 1e6))
        return self._at
