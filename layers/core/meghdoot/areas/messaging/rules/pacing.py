"""Slots of the granted rate: where the next calls of all senders stand on the line of time."""

from __future__ import annotations

from dataclasses import dataclass

from meghdoot.areas.messaging.model import Lease

FILL = 0.98
"""The part of the granted rate that is used; the rest absorbs the unevenness of machines."""
AHEAD_SECONDS = 1.0
"""Nobody reserves slots that begin later than this."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Calls to grant, and the new beginning of the free line (microseconds since 1970)."""

    lease: Lease
    free_from: int


def reserve(free_from: int, now: int, rate: float, wanted: int) -> Slots:
    """Take the next `wanted` slots of the line, at most one second of them, evenly spaced.

    `free_from` and `now` are microseconds since 1970, `rate` the granted calls a second. Since every slot of every sender
    stands on the one line, no second holds more than the granted rate.
    """
    spacing = spacing_seconds(rate)
    begin = max(free_from, now)
    wait = (begin - now) / 1e6
    if wait > AHEAD_SECONDS:
        return Slots(Lease(0, wait - AHEAD_SECONDS), free_from)
    count = at_once(rate, wanted)
    return Slots(Lease(count, wait, spacing), begin + length(rate, count))


def spacing_seconds(rate: float) -> float:
    """Seconds between the slots of a granted rate (calls a second)."""
    return 1 / (rate * FILL)


def at_once(rate: float, wanted: int) -> int:
    """How many of the wanted slots one lease grants: at most one second of them, at least one."""
    return max(1, min(wanted, int(rate)))


def length(rate: float, count: int) -> int:
    """Microseconds of the line that so many slots take."""
    return round(count * spacing_seconds(rate) * 1e6)
