"""A small world with real consent, in which every port of every service is seen through the faults."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.touches import MemoryRunLinks, MemoryTouches
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.messaging import planner
from meghdoot.areas.messaging.holding import Hold
from meghdoot.areas.messaging.model import ChunkRef, Run
from meghdoot.areas.messaging.person_token import PersonRef
from meghdoot.areas.messaging.recipients import Farewell, RecipientService, Visit
from meghdoot.areas.messaging.rules import waves
from meghdoot.areas.messaging.rules.keys import send_key
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.kernel.ids import SystemIds
from tests.exhaustive.faults import LEAVES_UNKNOWN, Faults, Faulty
from tests.support.killing import TENANT, World

WAVE = 2
RATE = 20.0
CALL_TAKES = 0.6
"""Seconds of a provider's call, so that a wave outlives the second for which a run's status is believed."""

_LEFT_OUT = frozenset({"failed", "skipped:duplicate", "skipped:capped", "skipped:stale", "skipped:erased"})

S = TypeVar("S")
_PORTS = ("meghdoot.adapters.memory", "tests.support.killing")
_PLAIN = ("PlainComposers",)


def seen_through(service: S, faults: Faults, process: int = 0) -> S:
    """The service with each of its adapters behind the faults, under the name of the field that holds it.

    A service within it (what a sender watches, what a sweeper proves) is seen through them too.
    """
    ports: dict[str, Any] = {}
    for f in dataclasses.fields(service):  # type: ignore[arg-type]
        value = getattr(service, f.name)
        kind = type(value)
        if kind.__module__.startswith(_PORTS) and kind.__name__ not in _PLAIN:
            ports[f.name] = Faulty(value, f.name, faults, process)
        elif kind.__module__.startswith("meghdoot.areas") and dataclasses.is_dataclass(value):
            ports[f.name] = seen_through(value, faults, process)
    return dataclasses.replace(service, **ports)  # type: ignore[type-var]


@contextmanager
def small_waves(people: int = WAVE, chunk: int = 500) -> Iterator[None]:
    """Waves of two instead of 25, and chunks as small as wanted."""
    old = waves.WAVE_SIZE, planner.CHUNK_SIZE
    waves.WAVE_SIZE, planner.CHUNK_SIZE = people, chunk
    try:
        yield
    finally:
        waves.WAVE_SIZE, planner.CHUNK_SIZE = old


class House(World):
    """`timeline` tells in which order things became true: accepts, claims, withdrawals and states of runs."""

    def __init__(self, people: int, faults: Faults, slices: int = 1) -> None:
        self.faults = faults
        faults.observe = self._observe
        self.timeline: list[tuple[int, str, Any]] = []
        self.processes = self.parked = 0
        super().__init__(people, slices)
        self.pacer.granted = RATE

    def _services(self, slices: int) -> None:
        self.ledger, self.suppressions = MemoryConsentLedger(self.gates), MemorySuppressions(self.gates)
        self.log, self.touches = MemoryWithdrawalLog(), MemoryTouches()
        consent = ConsentService(
            self.ledger, self.suppressions, self.log, self.clock, SystemIds(self.clock, self._noise)
        )
        self.consent = seen_through(consent, self.faults)
        self.suppressed = self.consent  # type: ignore[assignment]
        super()._services(slices)
        self.service = seen_through(self.service, self.faults)
        self.planner = seen_through(self.planner, self.faults)
        self.sweeper = seen_through(self.sweeper, self.faults)
        self.receipts = seen_through(self.receipts, self.faults)
        recipients = RecipientService(self.consent, self.touches, MemoryRunLinks(), self.clock)
        self.recipients = seen_through(recipients, self.faults)

    def sender(self) -> SenderService:
        """A fresh process."""
        self.processes += 1
        return seen_through(super().sender(), self.faults, self.processes)

    def _observe(self, process: int, name: str, args: tuple[Any, ...], answer: Any) -> None:
        def true_now(what: str, whom: Any) -> None:
            self.timeline.append((process, what, whom))

        if name == "provider.send":
            self.clock.advance(seconds=CALL_TAKES)
            if answer.kind == "accepted":
                true_now("accepted", args[0].tags["customer"])
        elif name == "gates.claim":
            claimed = [r.customer_id for r, result in zip(args[0], answer, strict=True) if result.claimed]
            true_now("claimed", frozenset(claimed))
        elif name == "ledger.append" and args[0].state == "withdrawn":
            true_now("withdrawn", args[0].customer_id)
        elif name == "runs.replace":
            true_now(args[0].status, args[0].id)

    # --- what other processes do -------------------------------------------------------------------

    def unsubscribe(self, run: Run, customer: str, *, everything: bool = False) -> None:
        """A mailbox provider tells that a person wants no more."""
        key = send_key(run.id, run.channel, customer)
        person = PersonRef(TENANT, run.id, customer, "email", key, issued_at=self.clock.now())
        self.recipients.unsubscribe(person, Visit("POST", "mailer"), Farewell("one_click", everything=everything))

    def sweep(self) -> None:
        """One tick, and senders work on what it woke."""
        self.sweeper.sweep_all()
        self.work()

    def work(self, refs: list[ChunkRef] | None = None) -> None:
        """Senders take what waits in the queue."""
        for ref in self.queue.take() if refs is None else refs:
            self.deliver(ref)

    def hold(self) -> None:
        """The kill switch."""
        self.holds.put(Hold(TENANT, "all", "kill_switch", "stop", "me", self.clock.now()))
        self.timeline.append((0, "held", TENANT))

    def lift(self) -> None:
        """And back."""
        if self.holds.lift(TENANT) is not None:
            self.timeline.append((0, "sending", TENANT))

    def events(self, kind: str = "delivered") -> None:
        """The provider tells of all that it took."""
        self.receipts.record([self.delivery_of(mail, kind) for mail in self.provider.accepted])

    def settle(self, run: Run) -> Run:
        """Whatever may still happen happens: the hold is lifted, the run resumed and swept, its events come, and the window ends."""
        self.lift()
        if self.service.get(TENANT, run.id).status == "paused":
            self.service.resume(TENANT, run.id)
        self.drain()
        self.parked = max(self.parked, sum(chunk.letters.count("u") for chunk in self.chunks.items.values()))
        self.events()
        self.clock.advance(hours=25)
        self.sweeper.sweep_all()
        return self.service.get(TENANT, run.id)

    # --- what must hold ------------------------------------------------------------------------------

    def wrongs(
        self, run: Run, faults: int, cap: int = 1, allowed: frozenset[str] = frozenset(), before: int = 0
    ) -> list[str]:
        """Everything that was promised and is not so, after `settle`.

        `allowed` names skips that may be, `before` counts the crashes that the scene itself began with.
        """
        wrong = []
        sent = Counter(mail.tags["key"] for mail in self.provider.accepted)
        if sent and max(sent.values()) > 1:
            wrong.append(f"somebody was sent {max(sent.values())} times")
        people = self.service.accounting(self.service.get(TENANT, run.id))
        if sum(people.values()) != len(self.ids):
            wrong.append(f"{sum(people.values())} of {len(self.ids)} people are accounted for")
        if people.keys() & {"pending", "calling"}:
            wrong.append(f"somebody still waits: {people}")
        crashes = before + sum(kind in LEAVES_UNKNOWN for kind in self.faults.placed.values())
        if self.parked > WAVE * crashes:
            wrong.append(f"{self.parked} unknown after {crashes} crashes")
        if (people.keys() & _LEFT_OUT) - allowed:
            wrong.append(f"somebody was left out: {people}")
        wrong += self._letters_wrong(run) + self._after_a_no() + self._after_a_stop(faults)
        return wrong + self._caps_wrong(cap)

    def _letters_wrong(self, run: Run) -> list[str]:
        accepted = Counter(mail.tags["customer"] for mail in self.provider.accepted if mail.tags["run"] == run.id)
        return [
            f"{customer} is {letter!r} and was sent {accepted[customer]} times"
            for customer, letter in self.letters(run).items()
            if (letter == "a") != (accepted[customer] > 0)
        ]

    def _after_a_no(self) -> list[str]:
        """Nobody is accepted after a withdrawal whom the same process had not claimed before it."""
        wrong: list[str] = []
        said_no: set[str] = set()
        claimed: set[tuple[int, str]] = set()
        for process, what, whom in self.timeline:
            if what == "withdrawn":
                said_no.add(whom)
            elif what == "claimed":
                claimed |= {(process, customer) for customer in whom - said_no}
            elif what == "accepted" and whom in said_no and (process, whom) not in claimed:
                wrong.append(f"{whom} was sent after a no")
        return wrong

    def _after_a_stop(self, faults: int) -> list[str]:
        """After a pause or a cancel at most the wave that was being called goes out, of each living owner."""
        late, stopped, worst = 0, False, 0
        for _, what, _ in self.timeline:
            if what in ("paused", "cancelled", "held"):
                stopped, late = True, late if stopped else 0
            elif what in ("sending", "planning"):
                stopped = False
            elif what == "accepted" and stopped:
                late += 1
                worst = max(worst, late)
        return [f"{worst} were sent after a stop"] if worst > WAVE * max(1, faults) else []

    def _caps_wrong(self, cap: int) -> list[str]:
        """Nobody got more than the cap allows, and no gate counts more."""
        sent = max(self.accepted().values(), default=0)
        gates = [self.gates.get(TENANT, customer) for customer in self.ids]
        counted = max((gate.counted.count(":") // 2 for gate in gates if gate is not None), default=0)
        return [f"{sent} sent and {counted} counted, over the cap of {cap}"] if max(sent, counted) > cap else []
