"""The beat of one turn: the slots that it holds, each of which is met in time or lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.areas.messaging.ports import Pacer, Pause
from meghdoot.areas.messaging.rules.pacing import LATE_SECONDS
from meghdoot.kernel.clock import Clock

LOOK_SECONDS = 0.05
"""So long before its slot a call is made ready; what is looked up on the way must not make it late."""
LONGEST_WAIT_SECONDS = 1.5
"""People of a wave are claimed already: for slots that are farther off they do not wait."""
MOST_LOST = 20
"""Slots that were met too late, one after the other: then this process, or what it asks, is too slow for now."""


@dataclass(slots=True)
class Beat:
    """Slots as seconds since 1970, in order."""

    pacer: Pacer
    clock: Clock
    pause: Pause
    at_once: int = 1
    """So many calls may be under way at the same time."""
    slots: list[float] = field(default_factory=list)
    lagging: bool = False
    """Whether slot after slot was lost. Whoever lags gives the work to another time."""
    _leased: int = 0
    _called: int = 0
    _call_seconds: float = 0.0
    _begun: float = 0.0

    def lease(self, demand: Demand, wanted: int) -> Lease:
        """Slots for at most `wanted` calls, those still in hand among them."""
        now = self.clock.now()
        self._drop_passed(now)
        if len(self.slots) >= wanted:
            return Lease(wanted, max(0.0, self.slots[0] - now.timestamp()))
        lease = self.pacer.lease(demand, wanted - len(self.slots), now)
        self._leased += lease.count
        self.slots += [now.timestamp() + slot for slot in lease.slots]
        if not self.slots:
            return lease
        return Lease(len(self.slots), max(0.0, self.slots[0] - now.timestamp()), lease.spacing)

    def wait(self, demand: Demand, wanted: int, may_go_on: Callable[[], bool]) -> bool:
        """Pause until the next slot that can be met. False when there is none soon, or when somebody says stop."""
        lost = 0
        while lost < MOST_LOST:
            self._drop_passed(self.clock.now())
            if not self.slots and not self._more(demand, wanted):
                return False
            due = self.slots.pop(0)
            self._until(due - LOOK_SECONDS)
            if not may_go_on():
                return False
            self._until(due)
            self._begun = self.clock.now().timestamp()
            if self._begun - due <= LATE_SECONDS:
                return True
            lost += 1
        self.lagging = True
        return False

    @property
    def begun(self) -> float:
        """When the last slot was met."""
        return self._begun

    def called(self, begun: float) -> None:
        """A call that began then has come back."""
        self._called += 1
        self._call_seconds += self.clock.now().timestamp() - begun

    def settle(self, demand: Demand) -> None:
        """Tell the pacer how the wave went."""
        unused = self._leased - self._called - len(self.slots)
        # What one call costs this process in time: while it waits for one it makes others.
        seconds = self._call_seconds / self._called / self.at_once if self._called else None
        self._leased, self._called, self._call_seconds = len(self.slots), 0, 0.0
        self.pacer.used(demand, unused, seconds, self.clock.now())

    def close(self, demand: Demand) -> None:
        """Give up what is still in hand."""
        self.slots = []
        self.settle(demand)

    def _more(self, demand: Demand, wanted: int) -> bool:
        lease = self.lease(demand, wanted)
        if not lease.count and lease.wait <= LONGEST_WAIT_SECONDS:
            self.pause(lease.wait)
            lease = self.lease(demand, wanted)
        return bool(lease.count)

    def _until(self, at: float) -> None:
        left = at - self.clock.now().timestamp()
        if left > 0:
            self.pause(left)

    def _drop_passed(self, now: datetime) -> None:
        self.slots = [slot for slot in self.slots if slot >= now.timestamp()]
