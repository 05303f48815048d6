"""The sender: takes a chunk, works through it in waves, and hands it back. The protocol is architecture section 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

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
from meghdoot.areas.messaging.rules import letters
from meghdoot.areas.messaging.run_records import change_run, stored_run
from meghdoot.areas.messaging.turn import Handled, Turn
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.ids import Ids

_STATUS_AGE = timedelta(seconds=1)

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
    _seen: dict[tuple[str, str], tuple[Run, datetime]] = field(default_factory=dict)

    def handle(self, ref: ChunkRef, remaining: Remaining) -> Handled:
        """Work on a chunk until it is done, time is short, or somebody says stop.

        `busy` means that another owner's lease still holds; the sweeper sees to what that owner may leave behind. Raises
        NotFound for a chunk or run that does not exist, and whatever a broken adapter raises: the letters of those who
        were not called are given back first.
        """
        chunk = self.chunks.get(ref)
        if chunk is None:
            raise NotFound(f"there is no chunk {ref.number} of run {ref.run_id}", code="no_chunk")
        if not chunk.work_left:
            return Handled("done")
        run = self.current(ref.tenant, ref.run_id)
        if run.status == "paused":
            return Handled("paused")
        owned = self._take(chunk, remaining)
        return Handled("busy") if owned is None else Turn(self, run, owned, remaining).go()

    def current(self, tenant: str, run_id: str) -> Run:
        """The run, at most one second old."""
        now = self.clock.now()
        known = self._seen.get((tenant, run_id))
        if known is not None and now - known[1] < _STATUS_AGE:
            return known[0]
        run = stored_run(self.runs, tenant, run_id)
        self._seen = {(tenant, run_id): (run, now)}
        return run

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
