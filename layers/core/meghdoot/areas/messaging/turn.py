"""One owner's turn with a chunk: wave after wave of read, decide, render, claim, mark, call, mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.beat import Beat
from meghdoot.areas.messaging.flight import Flight
from meghdoot.areas.messaging.holding import Halt
from meghdoot.areas.messaging.model import (
    CALLING,
    CANCELLED,
    PARKED,
    PENDING,
    SKIP_LETTERS,
    Chunk,
    Demand,
    OutboundEmail,
    Outcome,
    Recipient,
    Run,
    SkipReason,
)
from meghdoot.areas.messaging.pacing_model import StallReason
from meghdoot.areas.messaging.rules import letters, waves
from meghdoot.areas.messaging.rules.decide import Decision, claim_request, decide
from meghdoot.kernel.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from meghdoot.areas.messaging.sender import SenderService

ACCOUNT = "account"
"""The granted rate belongs to the provider's account, whoever sends."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a queue message.

    done: no work is left. busy: another owner has it. paused, cancelled, stale: the run's state said so. held: its tenant
    sends nothing now; lifting the hold wakes the chunk. sealed: a table is not the one that was written to, the message
    goes back for later. put_back: enqueued again for later. stopped: the provider refuses the account, the run is paused.
    fenced: another owner took over.
    """

    result: Literal["done", "busy", "paused", "cancelled", "stale", "held", "sealed", "put_back", "stopped", "fenced"]
    called: int = 0


class _Fenced(Exception):
    """Another owner has taken the chunk: write nothing more and call nobody."""


class _HandBack(Exception):
    """No more waves in this turn; the chunk is wanted again after a delay."""

    def __init__(self, delay_seconds: int) -> None:
        super().__init__()
        self.delay_seconds = delay_seconds


class _Stopped(Exception):
    """The provider refuses the account or its configuration."""


@dataclass(slots=True)
class Turn:
    """The state of one turn. `chunk` carries our token; its letters are written by `_mark` only."""

    room: SenderService
    run: Run
    chunk: Chunk
    remaining: Callable[[], float]
    people: dict[int, Recipient] = field(default_factory=dict)
    repeated: set[int] = field(default_factory=set)
    contended: set[int] = field(default_factory=set)
    gates: dict[int, ContactGate | None] = field(default_factory=dict)
    """Read ahead, by index, and not used yet."""
    crowded: bool = False
    """Somebody else writes to these people's gates too."""
    given_back: bool = False
    troubles: int = 0
    called: int = 0
    beat: Beat = field(init=False)
    begun: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.beat = Beat(self.room.pacer, self.room.clock, self.room.pause, self.room.runway.at_once)
        self.begun = self.room.clock.now()

    def go(self) -> Handled:
        """Work until there is a reason to end, and give the chunk back."""
        try:
            return self._went()
        finally:
            self.beat.close(self._demand())

    def _went(self) -> Handled:
        try:
            result = self._waves()
        except _Fenced:
            return Handled("fenced", self.called)
        except _HandBack as back:
            return self._put_back(back.delay_seconds)
        except _Stopped:
            result = "stopped"
        return self._given_back(result)

    def _waves(self) -> Literal["done", "paused", "cancelled", "held", "stale", "stopped"]:
        if self.room.clock.now() >= self.run.stale_after:
            self.chunk = letters.replaced(self.chunk, PENDING, SKIP_LETTERS["stale"])
            return "stale"
        while True:
            halt = self._halt()
            if halt == "cancelled":
                self.chunk = letters.replaced(self.chunk, PENDING, CANCELLED)
            if halt is not None:
                return halt
            wave = self._next_wave()
            if not wave:
                break
            if self.remaining() < waves.WAVE_SECONDS:
                raise _HandBack(0)
            self._wave(wave)
        if self.contended:
            raise _HandBack(waves.CONFLICT_DELAY_SECONDS)
        return "done"

    def _halt(self) -> Halt | None:
        """Why nobody else may be called; looks again when the last look is more than a second old."""
        self.run, halt = self.room.look(self.run.tenant, self.run.id)
        return halt

    def _next_wave(self) -> list[int]:
        waiting = self._waiting()
        if waiting and not self.people:
            self._read_audience()
        return waiting[: waves.wave_size(self.room.pacer.rate(self.room.provider.name, ACCOUNT))]

    def _waiting(self) -> list[int]:
        return [index for index in letters.indexes(self.chunk.letters, PENDING) if index not in self.contended]

    def _read_audience(self) -> None:
        seen: set[str] = set()
        for person in self.room.audience.read(self.chunk.ref):
            self.people[person.index] = person
            if person.customer_id in seen:
                self.repeated.add(person.index)
            seen.add(person.customer_id)

    def _wave(self, wave: list[int]) -> None:
        gates = self._read_gates(wave)
        decisions = {index: self._decide(index, gates.get(self.people[index].customer_id)) for index in wave}
        skipped = {index: d.reason for index, d in decisions.items() if d.reason is not None}
        going = [index for index in wave if index not in skipped]
        mails = self._render(going[: self._slots(len(going))] if going else [], skipped)
        claimed = self._claim({index: decisions[index] for index in mails}, gates, skipped)
        changes = {index: SKIP_LETTERS[reason] for index, reason in skipped.items()}
        self._mark(changes | dict.fromkeys(claimed, CALLING))
        if claimed:
            self._calls({index: mails[index] for index in claimed})

    def _read_gates(self, wave: list[int]) -> dict[str, ContactGate]:
        """The wave's gates. Where no claim checks them again, or others write to them, they are read now."""
        if not self.gates.keys() >= set(wave):
            at_once = self.crowded or self.run.purpose == "transactional"
            wanted = {
                i: self.people[i].customer_id for i in (wave if at_once else self._waiting()[: waves.GATES_AHEAD])
            }
            found = self.room.gates.read(self.run.tenant, list(wanted.values()))
            self.gates = {index: found.get(customer) for index, customer in wanted.items()}
        read = {self.people[index].customer_id: self.gates.pop(index) for index in wave}
        return {customer: gate for customer, gate in read.items() if gate is not None}

    def _decide(self, index: int, gate: ContactGate | None) -> Decision:
        if index in self.repeated:
            return Decision("skip", "duplicate")
        return decide(self.people[index], gate, self.run, self.chunk.number, self.room.clock.now())

    def _demand(self) -> Demand:
        run = self.run
        return Demand(
            self.room.provider.name, ACCOUNT, run.tenant, run.id, run.purpose == "transactional", run.weight,
            run.hourly_limit, run.daily_limit, run.tenant_weight, self.chunk.letters.count(PENDING), self._has_had_its_turn(),
            run.ramp_identity, run.ramp_started_on,
        )  # fmt: skip

    def _has_had_its_turn(self) -> bool:
        return (self.room.clock.now() - self.begun).total_seconds() >= waves.TURN_SECONDS

    def _slots(self, wanted: int) -> int:
        """How many of the wanted calls have slots; waits for some, or hands the chunk back when that takes too long."""
        while True:
            lease = self.beat.lease(self._demand(), wanted)
            if lease.count:
                return lease.count
            if lease.crowded:
                raise _HandBack(0)
            if lease.reason not in (None, "rate"):
                raise _HandBack(int(lease.wait) + 1)
            if self.remaining() - lease.wait < waves.WAVE_SECONDS:
                raise _HandBack(0)
            self.room.pause(lease.wait)

    def _render(self, going: list[int], skipped: dict[int, SkipReason]) -> dict[int, OutboundEmail]:
        mails = {}
        for index in going:
            try:
                mails[index] = self.room.mails.mail(
                    self.run, self.chunk.number, self.people[index], self.room.clock.now()
                )
            except Invalid as e:
                skipped[index] = "invalid_address" if e.code == "bad_address" else "render_error"
        return mails

    def _claim(
        self, decisions: dict[int, Decision], gates: Mapping[str, ContactGate], skipped: dict[int, SkipReason]
    ) -> list[int]:
        claimed = [index for index, decision in decisions.items() if decision.kind == "free"]
        current = {index: gates[self.people[index].customer_id] for index in decisions if index not in claimed}
        for _ in range(waves.CLAIM_ROUNDS):
            if not current:
                break
            order = list(current)
            results = self.room.gates.claim([claim_request(self.run, current[i], decisions[i]) for i in order])
            for index, result in zip(order, results, strict=True):
                gate = current.pop(index)
                if result.claimed:
                    claimed.append(index)
                    continue
                self.crowded, self.gates = True, {}
                gate = result.gate
                decisions[index] = self._decide(index, gate)
                reason = decisions[index].reason
                if reason is not None:
                    skipped[index] = reason
                else:
                    current[index] = gate
        self.contended |= set(current)
        return sorted(claimed)

    def _calls(self, mails: dict[int, OutboundEmail]) -> None:
        changes, flight = dict.fromkeys(mails, PENDING), Flight(self.room.runway)
        end: Exception | None = None
        # Room is made between waves: these people are claimed.
        demand = replace(self._demand(), yields=False)
        try:
            for number, (index, mail) in enumerate(mails.items()):
                if self.remaining() < waves.CALL_SECONDS:
                    break
                if not self.beat.wait(demand, len(mails) - number, self._may_call):
                    break
                # Whatever breaks between here and the answer, nobody knows whether the mail left.
                changes[index] = PARKED
                flight.start(index, self.beat.begun, partial(self.room.provider.send, mail))
                end, enough = self._landed(flight, mails, changes, self.room.runway.at_once - 1)
                if enough:
                    break
            last, _ = self._landed(flight, mails, changes, 0)
            end = end or last or (_HandBack(waves.CONFLICT_DELAY_SECONDS) if self.beat.lagging else None)
        except Exception:
            # Not a kill: those who were not called go back, and the failure is told.
            self._land_quietly(flight, changes)
            self._mark(changes)
            raise
        self.beat.settle(demand)
        self._mark(changes)
        self._after(end)

    def _may_call(self) -> bool:
        return self.remaining() >= waves.CALL_SECONDS and self._halt() is None

    def _landed(
        self, flight: Flight, mails: Mapping[int, OutboundEmail], changes: dict[int, str], at_most: int
    ) -> tuple[Exception | None, bool]:
        """Take the answers that are there; waits while more than `at_most` calls are under way.

        Answers what ends the turn, if anything does, and whether nobody else is to be called.
        """
        end, enough = None, False
        for index, begun, outcome in flight.landed(at_most):
            self.beat.called(begun)
            self.called += 1
            if outcome.kind == "refused_address":
                # A definite no: if suppressing fails, the person is called and refused again.
                changes[index] = PENDING
                self._suppress(index, mails[index], outcome)
            changes[index] = letters.OUTCOME_LETTERS[outcome.kind]
            end = end or self._judge(outcome)
            enough = enough or end is not None or (outcome.kind == "retry" and self.troubles > 1)
        return end, enough

    def _land_quietly(self, flight: Flight, changes: dict[int, str]) -> None:
        """Keep what the calls that are still under way come to; one that breaks stays parked."""
        while flight.air:
            try:
                for index, _, outcome in flight.landed(0):
                    self.called += 1
                    changes[index] = letters.OUTCOME_LETTERS[outcome.kind]
            except Exception:  # noqa: BLE001, S112  # another failure is told already; this call's letter says that nobody knows
                continue

    def _suppress(self, index: int, mail: OutboundEmail, outcome: Outcome) -> None:
        self.room.suppression.suppress(
            self.run.tenant,
            self.room.address_key(self.run.tenant, mail.to),
            self.run.channel,
            "invalid_address",
            customer_id=self.people[index].customer_id,
            evidence=f"{mail.message_id}:{outcome.code or 'refused'}",
        )

    def _judge(self, outcome: Outcome) -> Exception | None:
        """What an outcome means for the rest of the turn, and the count of troubles in a row."""
        if outcome.kind == "stop":
            self.room.stop_run(self.run, outcome.code or "provider_refuses")
            return _Stopped()
        if outcome.kind == "wait_quota":
            return self._waits(
                "quota", min(outcome.retry_after or waves.QUOTA_DELAY_SECONDS, waves.QUOTA_DELAY_SECONDS)
            )
        if outcome.kind not in ("retry", "ambiguous"):
            self.troubles = 0
            return None
        self.troubles += 1
        return self._waits("provider", waves.TROUBLE_DELAY_SECONDS) if self.troubles >= waves.MAX_TROUBLES else None

    def _waits(self, reason: StallReason, seconds: float) -> Exception:
        """Hand the chunk back for later, and leave a word why the run waits."""
        self.room.pacer.waits(self._demand(), reason, seconds, self.room.clock.now())
        return _HandBack(int(seconds))

    def _after(self, end: Exception | None) -> None:
        if end is not None:
            raise end
        # One throttle among many calls costs its slot; more of them in a row slow the sender down.
        if self.troubles > 1:
            self.room.pause(waves.backoff_seconds(self.troubles, self.room.chance()))

    def _mark(self, changes: Mapping[int, str]) -> None:
        now = self.room.clock.now().timestamp()
        self.chunk = letters.with_letters(self.chunk, changes, int(now))
        # With nobody left the chunk is given back by the same write.
        self.given_back = not self.chunk.work_left
        lease = 0 if self.given_back else letters.lease_end(now, self.remaining())
        if not self.room.chunks.mark(self.chunk, lease):
            raise _Fenced

    def _given_back(
        self, result: Literal["done", "paused", "cancelled", "held", "stale", "stopped", "put_back"]
    ) -> Handled:
        held = self.given_back or self.room.chunks.mark(self.chunk, 0)
        return Handled(result if held else "fenced", self.called)

    def _put_back(self, delay_seconds: int) -> Handled:
        now = int(self.room.clock.now().timestamp())
        # The queue keeps nothing back for long: the sweeper wakes a chunk that has to wait for an hour or a day.
        by_queue = delay_seconds <= waves.QUOTA_DELAY_SECONDS
        until = now + delay_seconds + (waves.ON_ITS_WAY_SECONDS if by_queue else 0)
        self.chunk = replace(self.chunk, queued_until=until)
        handled = self._given_back("put_back")
        if handled.result == "put_back" and by_queue:
            self.room.queue.put([self.chunk.ref], delay_seconds=delay_seconds)
        return handled
