"""A turn's beat: slots are met in time or lost, and nobody hunts for slots without an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from meghdoot.areas.messaging.beat import MOST_LOST, Beat
from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.kernel.clock import ManualClock

DEMAND = Demand("ses", "account", "t1", "r1")
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass
class SlowPacer:
    """Grants a slot a tenth of a second ahead, and takes so long to say so."""

    clock: ManualClock
    seconds: float
    asked: int = 0

    def rate(self, provider: str, identity: str) -> float:
        return 10.0

    def lease(self, demand: Demand, wanted: int, now: datetime) -> Lease:
        self.asked += 1
        self.clock.advance(seconds=self.seconds)
        return Lease(1, 0.1, 0.1, None, (0.1,))

    def used(self, demand: Demand, unused: int, call_seconds: float | None, now: datetime) -> None:
        return None


def beat_over(pacer: SlowPacer) -> Beat:
    return Beat(pacer, pacer.clock, lambda seconds: pacer.clock.advance(seconds=seconds))  # type: ignore[arg-type]


def test_a_slot_that_is_met_in_time_is_used() -> None:
    pacer = SlowPacer(ManualClock(START), 0.01)
    beat = beat_over(pacer)
    assert beat.wait(DEMAND, 1, lambda: True)
    assert (pacer.asked, beat.lagging) == (1, False)


def test_whoever_loses_slot_after_slot_stops_hunting_and_says_so() -> None:
    # Given a book of slots that answers later than the slots that it grants
    pacer = SlowPacer(ManualClock(START), 0.5)
    beat = beat_over(pacer)
    # When a slot is waited for
    assert not beat.wait(DEMAND, 1, lambda: True)
    # Then there is an end to it
    assert (pacer.asked, beat.lagging) == (MOST_LOST, True)


def test_whoever_is_told_to_stop_does_not_lag() -> None:
    beat = beat_over(SlowPacer(ManualClock(START), 0.5))
    assert not beat.wait(DEMAND, 1, lambda: False)
    assert not beat.lagging
