"""Single messages: taken from a client, guarded, called once, heard of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from meghdoot.areas.messaging.singles.model import SingleRef
from meghdoot.areas.messaging.singles.sender import SingleSender
from tests.exhaustive.faults import LEAVES_UNKNOWN, Faults
from tests.exhaustive.house import CALL_TAKES, RATE, seen_through
from tests.support.singles import TENANT, SingleWorld


class SingleHouse(SingleWorld):
    """One tenant's single messages, every port seen through the faults."""

    def __init__(self, faults: Faults, **settings: Any) -> None:
        self.faults = faults
        faults.observe = self._observe
        self.timeline: list[tuple[int, str]] = []
        self.processes = 0
        super().__init__(**settings)
        self.pacer.granted = RATE
        self.customer = self.person()
        self.service = seen_through(self.service, faults)
        self.sweeper = seen_through(self.sweeper, faults)
        self.receipts = seen_through(self.receipts, faults)
        self.ref = SingleRef(TENANT, self.accepted_id("k-1"))

    def sender(self) -> SingleSender:
        """A fresh process."""
        self.processes += 1
        return seen_through(super().sender(), self.faults, self.processes)

    def _observe(self, process: int, name: str, args: tuple[Any, ...], answer: Any) -> None:
        if name == "provider.send":
            self.clock.advance(seconds=CALL_TAKES)
            if answer.kind == "accepted":
                self.timeline.append((process, "accepted"))
        elif name == "gates.claim" and answer[0].claimed:
            self.timeline.append((process, "claimed"))

    def handle(self) -> None:
        """One message of the urgent queue."""
        self.deliver(self.ref)

    def later(self, minutes: float) -> Callable[[], None]:
        """The same, after a while."""

        def handled() -> None:
            self.clock.advance(minutes=minutes)
            self.handle()

        return handled

    def leave(self) -> None:
        """The person withdraws."""
        self.timeline.append((0, "withdrawn"))
        self.consent.record(TENANT, self.customer, "email", "marketing", "withdrawn", source="one_click")

    def tell(self) -> None:
        """The provider tells of all that it took."""
        self.receipts.record([self.word(mail) for mail in self.provider.accepted])

    def settle(self) -> None:
        """Everything that may still happen: ticks, deliveries, events, the end of every window."""
        for wait in (*[timedelta(minutes=2)] * 6, timedelta(minutes=20), timedelta(hours=25), timedelta(hours=1)):
            self.clock.advance(seconds=wait.total_seconds())
            self.evidence.heard(self.provider.name, self.clock.now())
            self.sweeper.sweep()
            self.send()

    def wrongs(self) -> list[str]:
        """What is promised of every message, whatever its class."""
        state, times = self.view().state, self.accepted()[self.ref.message_id]
        wrong = []
        if state in ("pending", "calling"):
            wrong.append(f"it still waits: {state}")
        if state in ("accepted", "delivered") and not times:
            wrong.append(f"it is {state}, and nobody took it")
        if times and state not in ("accepted", "delivered"):
            wrong.append(f"it was taken, and is {state}")
        if state == "unknown" and not LEAVES_UNKNOWN & set(self.faults.placed.values()):
            wrong.append("it is unknown, and nothing was in doubt")
        return wrong + self._after_a_no()

    def _after_a_no(self) -> list[str]:
        wrong, said_no, claimed = [], False, set()
        for process, what in self.timeline:
            if what == "withdrawn":
                said_no = True
            elif what == "claimed" and not said_no:
                claimed.add(process)
            elif what == "accepted" and said_no and process not in claimed:
                wrong.append("it was sent after a no")
        return wrong
