"""The sender: takes a chunk, works through it in waves, and hands it back. The protocol is architecture section 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from meghdoot.areas.messaging.flight import OneByOne, Runway
from meghdoot.areas.messaging.holding import Halt, RunWatch, Seal
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Run
from meghdoot.areas.messaging.ports import (
    AddressKeys,
    Audience,
    ChunkQueue,
    Chunks,
    EmailProvider,
    Gates,
    Pacer,
    Pause,
    Runs,
    SuppressAddress,
)
from meghdoot.areas.messaging.rules import letters, waves
from meghdoot.areas.messaging.run_records import change_run
from meghdoot.areas.messaging.turn import Handled, Turn
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.ids import Ids

_LOOK_AGE = timedelta(seconds=1)

Remaining = Callable[[], float]
"""Seconds that this process still has."""


@dataclass(slots=True)
class SenderService:
    """Handles one queue message. `chance` draws from [0, 1) for the jitter of pauses."""

    runs: Runs
    chunks: Chunks
    audience: Audience
    gates: Gates
    queue: ChunkQueue
    provider: EmailProvider
    pacer: Pacer
    mails: Mails
    suppression: SuppressAddress
    address_key: AddressKeys
    clock: Clock
    ids: Ids
    pause: Pause
    chance: Callable[[], float]
    watch: RunWatch
    seal: Seal
    runway: Runway = field(default_factory=OneByOne)
    """How many calls of a wave are under way at once."""
    _seen: dict[tuple[str, str], tuple[Run, Halt | None, datetime]] = field(default_factory=dict)

    def handle(self, ref: ChunkRef, remaining: Remaining) -> Handled:
        """Work on a chunk until it is done, time is short, or somebody says stop.

        `busy` means that another owner's lease still holds; the sweeper sees to what that owner may leave behind. Raises
        NotFound for a chunk or run that does not exist, and whatever a broken adapter raises: the letters of those who
        were not called are given back first. `sealed` comes before anything is read: behind a restored table the chunk
        may be missing, and its message goes back for later.
        """
        if not self.seal.intact():
            self.queue.put([ref], delay_seconds=waves.SEALED_DELAY_SECONDS)
            return Handled("sealed")
        chunk = self.chunks.get(ref)
        if chunk is None:
            raise NotFound(f"there is no chunk {ref.number} of run {ref.run_id}", code="no_chunk")
        if not chunk.work_left:
            return Handled("done")
        run, halt = self.look(ref.tenant, ref.run_id)
        if halt == "paused" or halt == "held":
            return Handled(halt)
        owned = self._take(chunk, remaining)
        return Handled("busy") if owned is None else Turn(self, run, owned, remaining).go()

    def look(self, tenant: str, run_id: str) -> tuple[Run, Halt | None]:
        """The run and why nobody of it may be called, at most one second old. Raises NotFound."""
        now = self.clock.now()
        known = self._seen.get((tenant, run_id))
        # A halt is never believed from memory: the message of a chunk that was just woken would be lost to it.
        if known is not None and known[1] is None and now - known[2] < _LOOK_AGE:
            return known[0], known[1]
        watched = self.watch.look(tenant, run_id)
        self._seen = {(tenant, run_id): (watched.run, watched.halt, now)}
        return watched.run, watched.halt

    def stop_run(self, run: Run, reason: str) -> None:
        """Pause a run for the provider's reason; whoever paused or cancelled it first keeps their word."""

        def paused(stored: Run) -> Run:
            if stored.status not in ("planning", "sending"):
                return stored
            return replace(stored, status="paused", pause_reason=reason)

        change_run(self.runs, self.clock, run.tenant, run.id, paused)
        self._seen = {}

    def _take(self, chunk: Chunk, remaining: Remaining) -> Chunk | None:
        now = self.clock.now().timestamp()
        if chunk.token and chunk.lease_until > now:
            return None
        token = self.ids.new()
        owned = self.chunks.take(chunk, token, letters.lease_end(now, remaining()))
        if owned is None:
            return None
        return replace(letters.parked(owned, int(now)), queued_until=0)
