"""The sender of single messages: look, guard, render, claim the row, call, record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from meghdoot.areas.messaging.holding import Holds, Seal
from meghdoot.areas.messaging.model import Demand, Lease, OutboundEmail, Outcome, SkipReason
from meghdoot.areas.messaging.ports import AddressKeys, EmailProvider, Evidence, Pacer, Pause, SuppressAddress
from meghdoot.areas.messaging.rules import waves
from meghdoot.areas.messaging.rules.pacing import LATE_SECONDS
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.model import Composition, Single, SingleRef, SingleRow
from meghdoot.areas.messaging.singles.ports import Compositions, SingleRows, Singles, SingleTimers, UrgentQueue
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Invalid, NotFound
from meghdoot.kernel.ids import Ids

ACCOUNT = "account"
"""The granted rate belongs to the provider's account, whoever sends."""
LONGEST_WAIT_SECONDS = 2.0
"""For a slot of the rate nobody waits longer within a call, so that a kill switch stops all sends within seconds."""
AT_ONCE_SECONDS = 1
HELD_SECONDS = 60.0
_LOOK_AGE = timedelta(seconds=1)

Remaining = Callable[[], float]
"""Seconds that this process still has."""

HandledSingle = Literal[
    "accepted", "failed", "skipped", "again", "parked", "settled", "done", "waiting", "held", "put_back", "busy", "gone"
]
"""What became of a queue message.

accepted, failed, skipped, settled: the end, as far as we know. again: a definite no, tried again later. parked: nobody
knows. done: nothing was left to do. waiting: its time has not come. held: the tenant or the deployment is held back.
put_back: no slot of the rate. busy: somebody else has it. gone: no such message.
"""


@dataclass(slots=True)
class SingleSender:
    """Handles one message of the urgent queue. `chance` draws from [0, 1) for the jitter of repetitions."""

    singles: Singles
    rows: SingleRows
    compositions: Compositions
    guard: SingleGuard
    holds: Holds
    seal: Seal
    queue: UrgentQueue
    timers: SingleTimers
    evidence: Evidence
    provider: EmailProvider
    pacer: Pacer
    mails: SingleMails
    suppression: SuppressAddress
    address_key: AddressKeys
    clock: Clock
    ids: Ids
    pause: Pause
    chance: Callable[[], float]
    windows: Windows = field(default_factory=Windows)

    def handle(self, ref: SingleRef, remaining: Remaining) -> HandledSingle:
        """Do what a message needs next, at most one call. Any number of times, in any order.

        Raises NotFound for a composition that is gone, and whatever a broken adapter raises.
        """
        single = self.singles.get(ref)
        if single is None:
            return "gone"
        row = self.rows.get(single)
        step = self._step(single, row)
        if step.kind == "park" and row is not None:
            return self._park(single, row)
        if step.kind == "settle":
            return self._ended(single, row, rules.over(row, "unknown", "no_word", self.clock.now()), "settled")
        if step.kind == "stale":
            return self._skip(single, row, "stale")
        if step.kind == "done":
            self._forget(single)
        if step.kind != "call":
            return "done" if step.kind == "done" else "waiting"
        return self._attempt(single, row, remaining)

    def _step(self, single: Single, row: SingleRow | None) -> rules.Step:
        doubtful = row is not None and row.state == "unknown"
        heard = self.evidence.watermark(self.provider.name) if doubtful else None
        promise = rules.policy(single.purpose, single.kind, self.windows)
        return rules.next_step(single, row, promise, self.clock.now(), heard)

    def _park(self, single: Single, row: SingleRow) -> HandledSingle:
        """The owner of a call vanished: from now on its silence is counted. A code is sent again at once."""
        if not self.rows.claim(single, rules.parked(row, self.clock.now(), "owner_lost"), row):
            return "busy"
        self._again_if_urgent(single)
        return "parked"

    def _attempt(self, single: Single, row: SingleRow | None, remaining: Remaining) -> HandledSingle:
        looked = self.clock.now()
        if self._is_held(single):
            return "held"
        if rules.may_have_left(single, self.seal.since()):
            return self._ended(single, row, rules.over(row, "unknown", "restored", self.clock.now()), "settled")
        composition = self._composition(single)
        reason = self.guard.refusal(single, composition)
        attempt = 1 if row is None else row.attempt + 1
        try:
            mail = None if reason else self.mails.mail(single, composition, attempt, self.clock.now())
        except Invalid as e:
            mail, reason = None, "invalid_address" if e.code == "bad_address" else "render_error"
        if mail is None or reason is not None:
            return self._skip(single, row, reason or "render_error")
        if single.purpose == "marketing":
            reason = self.guard.claim(single, composition)
            if reason is not None:
                return self._skip(single, row, reason)
        mine = rules.begun(row, mail, self.ids.new(), self.clock.now(), remaining(), self.provider.name)
        if not self.rows.claim(single, mine, row):
            return "busy"
        if self._is_held_since(single, mine, looked):
            return self._put_back(single, mine, HELD_SECONDS)
        return self._in_its_slot(single, mine, mail, remaining)

    def _is_held_since(self, single: Single, mine: SingleRow, looked: datetime) -> bool:
        """Another look, by whoever took long to come this far: the kill switch stops all sends within seconds."""
        try:
            while self.clock.now() - looked > _LOOK_AGE:
                looked = self.clock.now()
                if self._is_held(single):
                    return True
        except Exception:
            # Not a kill: nobody was called, and the failure is told.
            self.rows.record(single, rules.not_called(mine, self.clock.now(), 1))
            raise
        return False

    def _is_held(self, single: Single) -> bool:
        hold = self.holds.get(single.tenant)
        return (hold is not None and hold.stops(single.purpose)) or not self.seal.intact()

    def _composition(self, single: Single) -> Composition:
        found = self.compositions.get(single.tenant, single.composition_id)
        if found is None:
            raise NotFound(f"there is no composition {single.composition_id}")
        return found

    def _in_its_slot(self, single: Single, mine: SingleRow, mail: OutboundEmail, remaining: Remaining) -> HandledSingle:
        """Call at the instant that the pacer grants. It is asked last: a slot lasts for milliseconds, a claim for more."""
        demand = Demand(self.provider.name, ACCOUNT, single.tenant, None, single.purpose == "transactional")
        end = self.clock.now() + timedelta(seconds=LONGEST_WAIT_SECONDS)
        while True:
            now = self.clock.now()
            lease = self._leased(single, mine, demand, now)
            too_late = now + timedelta(seconds=lease.wait) > end or remaining() - lease.wait < waves.CALL_SECONDS
            if too_late:
                self.pacer.used(demand, lease.count, None, now)
                return self._put_back(single, mine, lease.wait)
            due = now + timedelta(seconds=lease.wait)
            if due > self.clock.now():
                self.pause((due - self.clock.now()).total_seconds())
            if lease.count and self.clock.now() <= due + timedelta(seconds=LATE_SECONDS):
                return self._called(single, mine, mail, demand)
            # Asking took longer than the slot was away: a slot that has passed is lost, and the next is in hand.
            self.pacer.used(demand, lease.count, None, now)

    def _leased(self, single: Single, mine: SingleRow, demand: Demand, now: datetime) -> Lease:
        try:
            return self.pacer.lease(demand, 1, now)
        except Exception:
            # Not a kill: nobody was called, and the failure is told.
            self.rows.record(single, rules.not_called(mine, now, 1))
            raise

    def _put_back(self, single: Single, mine: SingleRow, wait: float) -> HandledSingle:
        """Nobody was called, and nobody is in doubt."""
        delay = max(1, int(wait))
        if self.rows.record(single, rules.not_called(mine, self.clock.now(), delay)):
            self.queue.put([single.ref], delay_seconds=delay)
        return "put_back"

    def _called(self, single: Single, mine: SingleRow, mail: OutboundEmail, demand: Demand) -> HandledSingle:
        begin = self.clock.now()
        try:
            outcome = self.provider.send(mail)
        except Exception as e:
            # Not a kill, but nobody knows whether the mail left; the failure is told.
            self.rows.record(single, rules.parked(mine, self.clock.now(), type(e).__name__))
            raise
        now = self.clock.now()
        handled = self._told(single, mine, outcome)
        # Last: were it to fail, what the provider said is written down.
        self.pacer.used(demand, 0, (now - begin).total_seconds(), now)
        return handled

    def _told(self, single: Single, mine: SingleRow, outcome: Outcome) -> HandledSingle:
        if outcome.kind == "refused_address":
            self._suppress(single, mine, outcome)
        told = rules.after(mine, outcome, self.clock.now(), self.chance())
        if told.state == "accepted":
            return self._recorded(single, told, "accepted")
        if outcome.kind == "ambiguous":
            self.rows.record(single, told)
            self._again_if_urgent(single)
            return "parked"
        if told.settled:
            return self._recorded(single, told, "failed")
        if self.rows.record(single, told):
            self.queue.put([single.ref], delay_seconds=max(1, told.not_before - int(self.clock.now().timestamp())))
        return "again"

    def _suppress(self, single: Single, mine: SingleRow, outcome: Outcome) -> None:
        try:
            self.suppression.suppress(
                single.tenant,
                self.address_key(single.tenant, single.address or ""),
                single.channel,
                "invalid_address",
                customer_id=single.customer_id if single.has_profile else None,
                evidence=f"{single.id}:{outcome.code or 'refused'}",
            )
        except Exception:
            # A definite no, and the address is still open: the person is called and refused again.
            self.rows.record(single, rules.after(mine, Outcome("retry", code=outcome.code), self.clock.now(), 1.0))
            raise

    def _again_if_urgent(self, single: Single) -> None:
        if rules.policy(single.purpose, single.kind, self.windows).resends == "at_once":
            self.queue.put([single.ref], delay_seconds=AT_ONCE_SECONDS)

    def _skip(self, single: Single, row: SingleRow | None, reason: SkipReason) -> HandledSingle:
        return self._ended(single, row, rules.over(row, "skipped", reason, self.clock.now()), "skipped")

    def _ended(self, single: Single, seen: SingleRow | None, row: SingleRow, handled: HandledSingle) -> HandledSingle:
        if not self.rows.claim(single, row, seen):
            return "busy"
        self._forget(single)
        return handled

    def _recorded(self, single: Single, row: SingleRow, handled: HandledSingle) -> HandledSingle:
        # Refused only when the provider has spoken already, or another owner goes on: both know more than we do.
        self.rows.record(single, row)
        self._forget(single)
        return handled

    def _forget(self, single: Single) -> None:
        """The sweeper need not look at it. A look that was moved since is forgotten by the sweeper itself."""
        self.timers.done(single.tenant, single.id, single.created_at + rules.FIRST_LOOK)
