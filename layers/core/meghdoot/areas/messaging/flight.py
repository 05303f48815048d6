"""Calls of one wave that are under way: a provider's answer takes long, and others may be asked meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from meghdoot.areas.messaging.model import Outcome


class Landing(Protocol):
    """A call that was started."""

    def done(self) -> bool:
        """Whether its answer is there."""
        ...

    def result(self) -> Outcome:
        """Its answer; waits for it. Raises what the call raised."""
        ...


class Runway(Protocol):
    """Starts calls."""

    @property
    def at_once(self) -> int:
        """So many may be under way at the same time; a wave is the most that a crash can leave in doubt, whatever this is."""
        ...

    def start(self, call: Callable[[], Outcome]) -> Landing:
        """Begin a call."""
        ...


@dataclass(frozen=True, slots=True)
class _Landed:
    outcome: Outcome

    def done(self) -> bool:
        return True

    def result(self) -> Outcome:
        return self.outcome


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Each call is over before the next begins."""

    at_once: int = 1

    def start(self, call: Callable[[], Outcome]) -> Landing:
        return _Landed(call())


@dataclass(slots=True)
class Flight:
    """What a wave has in the air, by the person's index and the instant (seconds since 1970) at which the call began."""

    runway: Runway
    air: list[tuple[int, float, Landing]] = field(default_factory=list)

    def start(self, index: int, begun: float, call: Callable[[], Outcome]) -> None:
        """Begin a call."""
        self.air.append((index, begun, self.runway.start(call)))

    def landed(self, at_most: int) -> Iterator[tuple[int, float, Outcome]]:
        """Answers that are there; waits for some while more than `at_most` are under way. Raises what a call raised."""
        while self.air:
            ready = next((one for one in self.air if one[2].done()), None)
            if ready is None and len(self.air) <= at_most:
                return
            one = ready or self.air[0]
            self.air.remove(one)
            yield one[0], one[1], one[2].result()
