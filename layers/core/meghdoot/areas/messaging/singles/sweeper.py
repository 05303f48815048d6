"""The sweeper of single messages: wakes those whose queue message was lost, and looks after those in doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from meghdoot.areas.messaging.ports import Evidence
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.model import Single, SingleRef, SingleRow
from meghdoot.areas.messaging.singles.ports import SingleRows, Singles, SingleTimers, UrgentQueue
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.kernel.clock import Clock

_RECHECK = (timedelta(minutes=2), timedelta(minutes=15))
"""After waking a message, when to look whether it woke: the later, the older it is (a hold may last for days)."""
_MOST = 1000


@dataclass(frozen=True, slots=True)
class SweptSingles:
    """What one tick did: messages looked at, enqueued again, found to be over, and those that wait for evidence.

    `in_doubt` is the number of messages of which nobody knows and the window is over: while it grows, no events come.
    """

    looked: int = 0
    enqueued: int = 0
    over: int = 0
    waiting: int = 0
    in_doubt: int = 0


@dataclass(frozen=True, slots=True)
class SingleSweeper:
    """Drains the timers that are due. `provider` names whose watermark is trusted."""

    singles: Singles
    rows: SingleRows
    timers: SingleTimers
    queue: UrgentQueue
    evidence: Evidence
    clock: Clock
    provider: str
    windows: Windows = field(default_factory=Windows)

    def sweep(self, may_go_on: Callable[[], bool] = lambda: True) -> SweptSingles:
        """Look at every message whose time has come. Nothing is lost by ending at any place: timers go last."""
        now = self.clock.now()
        heard = self.evidence.watermark(self.provider)
        swept = SweptSingles()
        for tenant, message_id, at in self.timers.due(now, _MOST):
            if not may_go_on():
                break
            swept = self._look(swept, SingleRef(tenant, message_id), at, now, heard)
        return swept

    def _look(
        self, swept: SweptSingles, ref: SingleRef, at: datetime, now: datetime, heard: datetime | None
    ) -> SweptSingles:
        swept = replace(swept, looked=swept.looked + 1)
        single = self.singles.get(ref)
        row = None if single is None else self.rows.get(single)
        step = None if single is None else self._step(single, row, now, heard)
        if single is None or step is None or step.kind == "done":
            self.timers.done(ref.tenant, ref.message_id, at)
            return replace(swept, over=swept.over + 1)
        waits = step.kind == "wait"
        self.timers.set(ref.tenant, ref.message_id, _next_look(single, step, now))
        if not waits:
            self.queue.put([ref])
        self.timers.done(ref.tenant, ref.message_id, at)
        overdue = step.doubt and row is not None and now.timestamp() > row.parked_at + self._window(single)
        return replace(
            swept,
            enqueued=swept.enqueued + (not waits),
            waiting=swept.waiting + waits,
            in_doubt=swept.in_doubt + overdue,
        )

    def _step(self, single: Single, row: SingleRow | None, now: datetime, heard: datetime | None) -> rules.Step:
        return rules.next_step(single, row, rules.policy(single.purpose, single.kind, self.windows), now, heard)

    def _window(self, single: Single) -> float:
        return rules.policy(single.purpose, single.kind, self.windows).window.total_seconds()


def _next_look(single: Single, step: rules.Step, now: datetime) -> datetime:
    if step.until is not None:
        # A wait that ends within this minute would be found by the next tick anyway.
        return max(step.until, now + rules.FIRST_LOOK)
    shortest, longest = _RECHECK
    return now + min(longest, max(shortest, (now - single.created_at) / 4))
