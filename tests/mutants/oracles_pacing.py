"""The granted rate: no second above it, none wasted, nobody pushed aside, no limit passed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from meghdoot.adapters.memory.pacer import MemoryRateBook
from meghdoot.areas.messaging.beat import Beat
from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.areas.messaging.pacing_model import FrameName
from meghdoot.areas.messaging.rules.waves import wave_size
from meghdoot.kernel.clock import ManualClock
from tests.support.killing import START
from tests.unit.messaging import test_pacing, test_slot_pacer

DEMAND = Demand("ses", "account", "t1", "r1")


@dataclass
class Granting:
    """A pacer that hands out the slots it is told, and then none."""

    leases: list[tuple[float, ...]]
    told: list[int] = field(default_factory=list)

    def rate(self, provider: str, identity: str) -> float:
        return 10.0

    def lease(self, demand: Demand, wanted: int, now: datetime) -> Lease:
        slots = self.leases.pop(0) if self.leases else ()
        return Lease(len(slots), slots[0] if slots else 9.0, 0.1, None, slots)

    def used(self, demand: Demand, unused: int, call_seconds: float | None, now: datetime) -> None:
        self.told.append(unused)


def beats_are_met_or_lost() -> None:
    """A call begins at its slot or not at all."""
    clock = ManualClock(START)
    pacer = Granting([(0.1, 0.2, 0.3, 2.0)])
    beat = Beat(pacer, clock, lambda seconds: clock.advance(seconds=seconds))
    assert beat.lease(DEMAND, 4).count == 4
    begun = []
    for _ in range(4):
        if beat.wait(DEMAND, 1, lambda: True):
            begun.append(round((clock.now() - START).total_seconds(), 2))
            clock.advance(seconds=0.5)
            beat.called(beat.begun)
    assert begun == [0.1, 2.0], f"calls began at {begun}"
    beat.settle(DEMAND)
    assert pacer.told == [2], "slots that were lost are told"


def a_slot_that_was_overslept_is_lost() -> None:
    """Whoever is woken too late lets the slot pass, for the next one may be somebody else's."""
    clock, naps = ManualClock(START), [0.0, 0.0, 0.0, 0.05]
    beat = Beat(Granting([(0.1, 0.2, 0.3)]), clock, lambda s: clock.advance(seconds=s + (naps.pop(0) if naps else 0.0)))
    assert beat.lease(DEMAND, 3).count == 3
    begun = []
    while beat.wait(DEMAND, 1, lambda: True):
        begun.append(round((beat.begun - START.timestamp()), 2))
        beat.called(beat.begun)
    assert begun == [0.1, 0.3], f"calls began at {begun}"


def slots_have_one_holder() -> None:
    """Combs that somebody holds are given to nobody else; a repeated claim knows itself."""
    book, frame = MemoryRateBook(), FrameName("ses#account", 10.0, 7)
    assert book.claim(frame, [1, 2], "a", 0)[0]
    assert book.claim(frame, [1, 2], "a", 0)[0], "a repeated claim is not known again"
    assert not book.claim(frame, [2, 3], "b", 0)[0], "two hold one slot"
    assert book.claim(frame, [3], "b", 0)[0]


def rates() -> None:
    """Grids, shares, quotas, limits and ramps, by the tests of the pacer."""
    for rate in test_pacing.RATES:
        test_pacing.test_038_all_slots_of_a_grid_together_are_99_percent_of_the_rate_and_no_second_has_more(rate)
    for name, test in {**vars(test_pacing), **vars(test_slot_pacer)}.items():
        if name.startswith("test_") and callable(test) and not inspect.signature(test).parameters:
            test()
    assert [wave_size(rate) for rate in (0.5, 5.9, 300.0)] == [1, 5, 25]


ORACLES: tuple[Callable[[], None], ...] = (
    slots_have_one_holder, beats_are_met_or_lost, a_slot_that_was_overslept_is_lost, rates,
)  # fmt: skip
