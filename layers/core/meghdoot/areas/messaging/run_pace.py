"""What the limits of a run have counted, and why a run waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.pacing_model import Stall, StallReason
from meghdoot.areas.messaging.pacing_ports import Stalls, Tallies
from meghdoot.areas.messaging.ports import LiveRuns, Runs
from meghdoot.areas.messaging.rules import allowances, stalling
from meghdoot.kernel.clock import Clock

_LIVE = ("planning", "sending")


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """Why a run with work left gets no slots."""

    reason: StallReason
    words: str
    words_bn: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class RunPace:
    """How far a run's limits are used. Counts are None where there is no limit; they include what senders hold in hand."""

    hourly_sent: int | None
    daily_sent: int | None
    limit_reached: bool
    waiting_for: WaitingFor | None


@dataclass(frozen=True, slots=True)
class RunPaceService:
    """For the run's answer."""

    tallies: Tallies
    stalls: Stalls
    clock: Clock

    def of(self, run: Run) -> RunPace:
        """As it stands now."""
        now = self.clock.now()
        hourly = self._counted(run.hourly_limit, allowances.hourly_key(run.tenant, run.id, now))
        daily = self._counted(run.daily_limit, allowances.daily_key(run.tenant, run.id, now))
        reached = _is_reached(hourly, run.hourly_limit) or _is_reached(daily, run.daily_limit)
        return RunPace(hourly, daily, reached, self._waiting(run, now))

    def _counted(self, limit: int | None, key: str) -> int | None:
        return None if limit is None else self.tallies.sums([key])[0]

    def _waiting(self, run: Run, now: datetime) -> WaitingFor | None:
        stall = self.stalls.get(run.tenant, run.id) if run.status in _LIVE else None
        if stall is None or not stalling.is_live(stall, now):
            return None
        words = (stalling.WORDS["en"][stall.reason], stalling.WORDS["bn"][stall.reason])
        return WaitingFor(stall.reason, *words, stall.since, stall.until)


def _is_reached(sent: int | None, limit: int | None) -> bool:
    return sent is not None and limit is not None and sent >= limit


@dataclass(frozen=True, slots=True)
class StallWatch:
    """For the clock: finds runs that have waited for some minutes."""

    runs: Runs
    live: LiveRuns
    stalls: Stalls
    clock: Clock

    def stalled(self) -> Iterator[tuple[Run, Stall]]:
        """Live runs that have got no slots for some minutes, and why."""
        now = self.clock.now()
        for tenant, run_id in self.live.all():
            stall = self.stalls.get(tenant, run_id)
            if stall is None or not stalling.is_told(stall, now):
                continue
            run = self.runs.get(tenant, run_id)
            if run is not None and run.status in _LIVE:
                yield run, stall
