"""The sweeper: wakes chunks that nobody works on, settles parked people, and ends runs in which no work is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from meghdoot.areas.messaging.holding import Holds, Watched
from meghdoot.areas.messaging.model import PARKED, UNKNOWN, Chunk, Run
from meghdoot.areas.messaging.ports import Audience, ChunkQueue, Chunks, Evidence, LiveRuns, Runs, SendRows
from meghdoot.areas.messaging.proving import ProofService
from meghdoot.areas.messaging.rules import letters
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.areas.messaging.rules.waves import ON_ITS_WAY_SECONDS
from meghdoot.areas.messaging.run_records import change_run
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import AppError

UNKNOWN_AFTER = timedelta(hours=24)
_CHUNKS_A_READ = 100


@dataclass(frozen=True, slots=True)
class Swept:
    """What one walk over a run did: chunks enqueued again, people lifted to accepted, people given up as unknown.

    `over` says that the run has ended, whether or not parked people are still waited for.
    """

    enqueued: int = 0
    lifted: int = 0
    unknown: int = 0
    work_left: bool = False
    parked_left: bool = False
    over: bool = False
    unproven: str | None = None
    """Why a run that is over, with every letter final, has no proof yet: `later`, or the code of what went wrong."""


@dataclass(frozen=True, slots=True)
class SweeperService:
    """Walks chunk items by number, so that no index is needed. `provider` names whose watermark is trusted."""

    runs: Runs
    live: LiveRuns
    chunks: Chunks
    audience: Audience
    queue: ChunkQueue
    rows: SendRows
    evidence: Evidence
    clock: Clock
    provider: str
    holds: Holds
    proofs: ProofService | None = None
    """Proves runs whose letters are final; None where nobody keeps proofs."""
    unknown_after: timedelta = UNKNOWN_AFTER
    """How long silence about a parked person lasts before it is `unknown`."""

    def sweep_all(self, may_go_on: Callable[[], bool] = lambda: True) -> list[tuple[Run, Swept]]:
        """Sweep every noted run of every tenant, and forget those of which nothing can come any more.

        `may_go_on` is asked before each run: a clock that is short of time goes on with its next tick.
        """
        swept = []
        for tenant, run_id in self.live.all():
            if not may_go_on():
                break
            run = self.runs.get(tenant, run_id)
            if run is None:
                self.live.remove(tenant, run_id)
                continue
            what = self.sweep(run, may_go_on)
            swept.append((run, what))
            if what.over and not what.parked_left and what.unproven is None:
                self.live.remove(tenant, run_id)
        return swept

    def sweep(self, run: Run, may_go_on: Callable[[], bool] = lambda: True) -> Swept:
        """Walk a run's chunks once; end the run when everything is planned and no work is left, and prove it then."""
        now = self.clock.now()
        total = Swept()
        wanted: list[Chunk] = []
        for chunk in self._chunks(run):
            settled, lifted, unknown = self._settle(run, chunk, now)
            if self._is_idle(run, settled, now):
                wanted.append(settled)
            total = Swept(
                total.enqueued,
                total.lifted + lifted,
                total.unknown + unknown,
                total.work_left or settled.work_left,
                total.parked_left or PARKED in settled.letters,
            )
        if wanted and self._is_held(run):
            # Whoever lifts the hold wakes them; until then a message would only come to be handed back.
            wanted = []
        self._wake(wanted, now)
        total = replace(total, enqueued=len(wanted))
        finished = run if total.work_left else self._finish(run)
        if total.work_left or finished.finished_at is None:
            return total
        unproven = None if total.parked_left else self._unproven(finished, may_go_on)
        return replace(total, over=True, unproven=unproven)

    def _unproven(self, run: Run, may_go_on: Callable[[], bool]) -> str | None:
        if self.proofs is None:
            return None
        try:
            return None if self.proofs.keep(run, may_go_on).root is not None else "later"
        except AppError as e:
            # Told by whoever sweeps; the run stays noted, and the next sweep tries again.
            return e.code

    def _is_held(self, run: Run) -> bool:
        return Watched(run, self.holds.get(run.tenant)).halt == "held"

    def _wake(self, wanted: list[Chunk], now: datetime) -> None:
        if not wanted:
            return
        self.queue.put([chunk.ref for chunk in wanted])
        # Noted, or a chunk that waits in a long queue would get a message with every tick.
        until = int(now.timestamp()) + ON_ITS_WAY_SECONDS
        for chunk in wanted:
            self.chunks.queued(chunk, until)

    def _chunks(self, run: Run) -> Iterator[Chunk]:
        numbers = run.chunk_numbers
        for start in range(0, len(numbers), _CHUNKS_A_READ):
            yield from self.chunks.get_many(run.tenant, run.id, numbers[start : start + _CHUNKS_A_READ])

    def _is_idle(self, run: Run, chunk: Chunk, now: datetime) -> bool:
        if run.status == "paused" or not chunk.work_left:
            return False
        return max(chunk.lease_until, chunk.queued_until) <= now.timestamp()

    def _settle(self, run: Run, chunk: Chunk, now: datetime) -> tuple[Chunk, int, int]:
        if PARKED not in chunk.letters or chunk.lease_until:
            return chunk, 0, 0
        after = letters.with_rows(chunk.letters, self._spoken_of(run, chunk))
        lifted = chunk.letters.count(PARKED) - after.count(PARKED)
        given_up = 0
        if self._window_is_over(chunk, now):
            given_up = after.count(PARKED)
            after = after.replace(PARKED, UNKNOWN)
        if after == chunk.letters or not self.chunks.lift(chunk.ref, chunk.letters, after):
            return chunk, 0, 0
        return replace(chunk, letters=after), lifted, given_up

    def _spoken_of(self, run: Run, chunk: Chunk) -> list[int]:
        """Indexes of parked people about whom the provider has said anything."""
        wanted = set(letters.indexes(chunk.letters, PARKED))
        people = {p.customer_id: p.index for p in self.audience.read(chunk.ref) if p.index in wanted}
        minute = run_minute(run.started_at)
        keys = [(customer, minute, send_key(run.id, run.channel, customer)) for customer in people]
        return [people[row.customer_id] for row in self.rows.get_many(run.tenant, keys).values()]

    def _window_is_over(self, chunk: Chunk, now: datetime) -> bool:
        """Silence means something only once events about later messages have been heard.

        For people of a run the first later message is proof enough: whatever it means, nobody is called again for it, and
        the provider's word still counts when it comes after all. Single messages, which are sent again, ask for more.
        """
        if now.timestamp() - chunk.parked_at < self.unknown_after.total_seconds():
            return False
        heard = self.evidence.watermark(self.provider)
        return heard is not None and heard.timestamp() > chunk.parked_at

    def _finish(self, run: Run) -> Run:
        now = self.clock.now()

        def finished(stored: Run) -> Run:
            if stored.finished_at is not None or stored.slice_chunks != run.slice_chunks:
                # What was planned since the walk began has not been walked.
                return stored
            if stored.status == "cancelled":
                # Planning may have been given up half way, and notes nothing any more.
                return replace(stored, finished_at=now)
            planned = stored.planned_slices >= stored.slices
            return replace(stored, status="done", finished_at=now) if planned and stored.status == "sending" else stored

        return change_run(self.runs, self.clock, run.tenant, run.id, finished)
