"""Calls of one sender side by side: each is a worker of its own that knows what its process knew when it began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meghdoot.areas.messaging.model import Outcome
from tests.sim.scheduler import Killed

if TYPE_CHECKING:
    from tests.sim.scheduler import Worker
    from tests.sim.world import World


@dataclass(slots=True)
class Landing:
    """A call that was started."""

    runway: Runway
    process: Worker
    awaited: bool = False
    """Its process is parked until the answer is there."""
    outcome: Any = None
    error: BaseException | None = None

    def done(self) -> bool:
        """Whether its answer is there."""
        return self.outcome is not None or self.error is not None

    def result(self) -> Outcome:
        """Its answer; waits for it."""
        if not self.done():
            self.awaited = True
            self.runway.world.scheduler.park()
            self.runway.world.pause(0.0)
        if isinstance(self.error, Killed):
            raise Killed("another call of this process")
        if self.error is not None:
            raise self.error
        return self.outcome  # type: ignore[no-any-return]


@dataclass(slots=True)
class Runway:
    """Starts calls, at most `at_once` at a time."""

    world: World
    at_once: int = 4
    started: int = field(default=0)

    def start(self, call: Callable[[], Outcome]) -> Landing:
        """Begin a call."""
        scheduler = self.world.scheduler
        process = scheduler.current
        if process is None:
            raise RuntimeError("only a process calls")
        landing = Landing(self, process)
        self.started += 1

        def work(_call: Worker) -> None:
            landing.outcome = call()

        def ended(one: Worker) -> None:
            landing.error = one.error
            if isinstance(one.error, Killed):
                # A crash ends the whole process, not one call of it.
                process.dead = True
            if landing.awaited:
                scheduler.wake(process)

        scheduler.spawn("call", process.deadline - scheduler.now, work, ended).knows(process)
        return landing
