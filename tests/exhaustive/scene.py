"""A scene: a world in which a handler is about to be called, what others may do meanwhile, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meghdoot.areas.messaging.model import Run
from meghdoot.kernel.errors import Conflict
from tests.exhaustive.faults import Faults
from tests.exhaustive.house import House
from tests.exhaustive.singles import SingleHouse
from tests.support.killing import TENANT

Attempt = Callable[[], None]


@dataclass
class Scene:
    """A world in which a handler is about to be called: the attempts under faults, what others may do, and the end."""

    house: House | SingleHouse
    attempts: Sequence[Attempt]
    """Each is one call of the handler by its caller, one after the other; a queue's message comes more than once."""
    meanwhile: Mapping[str, Callable[[], None]]
    end: Callable[[int], list[str]]
    """Settles, and answers what is wrong after so many faults."""
    repeats: bool = False
    """The caller is told of a failure and asks again until it is told of success."""


@dataclass(frozen=True)
class Handler:
    """Sets a scene under given faults."""

    name: str
    scene: Callable[[Faults], Scene]
    chunk: int = 500


def settled(house: House, run: Run, before: int = 0) -> Callable[[int], list[str]]:
    def end(faults: int) -> list[str]:
        house.settle(run)
        return house.wrongs(run, faults + before, before=before)

    return end


def control(house: House, run: Run) -> dict[str, Callable[[], None]]:
    """What people do while a machine works."""

    def quietly(act: Callable[[], Any]) -> Callable[[], None]:
        def done() -> None:
            try:
                act()
            except Conflict:
                return  # The run is over.

        return done

    return {
        "paused": quietly(lambda: house.service.pause(TENANT, run.id, "lunch")),
        "cancelled": quietly(lambda: house.service.cancel(TENANT, run.id)),
        "held": house.hold,
        "unsubscribed": lambda: house.unsubscribe(run, house.ids[-1]),
    }


def later(house: House, act: Attempt, minutes: float) -> Attempt:
    def acted() -> None:
        house.clock.advance(minutes=minutes)
        act()

    return acted
