"""The slots of a granted rate: every instant at which some sender may begin a call, numbered from 1970 on.

Slots are dealt out by frames of well under a second. A frame is cut into combs, each with its teeth evenly over the frame,
so that a sender with a few combs calls in an even beat whatever its calls take, and no two senders ever hold one slot. A
call begins at its slot or a few milliseconds after it, or not at all: so no second holds more calls than were granted,
whoever is slow, and a sender that has died only wastes what it held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

FILL = 0.99
"""Slots as a part of the granted rate; the rest is what calls may be late."""
LATE_SECONDS = 0.008
"""A call begins at most this long after its slot. Less than 1 / FILL - 1: clocks of machines differ a little."""
FRAME_SECONDS = 0.7
"""About the length of a frame: what a sender holds at most, and so what an urgent one waits at most."""
LEAD_SECONDS = 0.2
"""So long before a frame begins those who sent in the one before it ask for their combs."""
MOST_COMBS = 64
FIRST_RATE = 1.0
"""Calls a second that are taken as granted while the provider was not yet asked: what a new account has."""
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """How one rate is cut up. Times are nanoseconds since 1970."""

    rate: float
    """Whole calls a second where there is at least one."""
    spacing: int
    """From one slot of the account to the next."""
    combs: int
    teeth: int
    """Slots of one comb in one frame."""

    @property
    def length(self) -> int:
        """Nanoseconds of a frame."""
        return self.spacing * self.combs * self.teeth

    @property
    def seconds(self) -> float:
        """Seconds of a frame."""
        return self.length / _NANO

    def frame_at(self, at: int) -> int:
        """The frame that holds an instant."""
        return at // self.length

    def begins(self, frame: int) -> int:
        """When a frame begins."""
        return frame * self.length

    def slots(self, frame: int, combs: Iterable[int]) -> list[int]:
        """The slots of some combs of a frame, in order."""
        first = frame * self.combs * self.teeth
        return sorted(
            (first + comb + tooth * self.combs) * self.spacing for comb in combs for tooth in range(self.teeth)
        )


def grid_of(rate: float) -> Grid:
    """The grid of a granted rate (calls a second, above 0). A part of a call a second is left unused."""
    whole = float(int(rate)) if rate >= 1 else rate
    spacing = -int(-_NANO // (whole * FILL))
    wanted = max(1, round(FRAME_SECONDS * _NANO / spacing))
    teeth = -(-wanted // MOST_COMBS)
    return Grid(whole, spacing, max(1, wanted // teeth), teeth)


def nanoseconds(seconds: float) -> int:
    """Seconds since 1970 in nanoseconds, to the microsecond (which is what a datetime knows)."""
    return round(seconds * 1e6) * 1000


def choose(wanted: int, due: Collection[int], free: Collection[int], combs: int) -> list[int]:
    """The combs to ask for: those that are due where they are free, then others, as far apart as can be."""
    kept = sorted(set(due) & set(free))
    others = sorted(set(free) - set(kept))
    chosen: list[int] = []
    for pool in (kept, others):
        chosen += _far_apart(wanted - len(chosen), pool, chosen, combs)
    return sorted(chosen)


def _far_apart(wanted: int, pool: Sequence[int], standing: Sequence[int], combs: int) -> list[int]:
    """Takes from the pool, again and again, whoever is farthest from all that were taken (around the circle)."""
    if wanted >= len(pool):
        return list(pool)
    distance = {comb: min((_apart(comb, other, combs) for other in standing), default=combs) for comb in pool}
    taken: list[int] = []
    for _ in range(max(0, wanted)):
        best = max(distance, key=lambda comb: (distance[comb], -comb))
        taken.append(best)
        del distance[best]
        for comb in distance:
            distance[comb] = min(distance[comb], _apart(comb, best, combs))
    return taken


def _apart(one: int, other: int, combs: int) -> int:
    gap = abs(one - other)
    return min(gap, combs - gap)
