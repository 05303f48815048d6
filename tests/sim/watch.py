"""What must hold at every step, checked on the effect that could break it; and what must hold at rest."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from meghdoot.areas.consent.model import ConsentEntry, ContactGate
from meghdoot.areas.messaging.model import RANKS, Chunk, ChunkRef, OutboundEmail, Run, SendRow
from meghdoot.areas.messaging.sweeper import UNKNOWN_AFTER
from tests.sim.scheduler import Scheduler, Worker
from tests.support.killing import TENANT

WAVE = 25
_LOOK_AGE = 1.2
"""Status is at most a second old when a call begins, and is awaited for a blink."""
_SKIPS = "nspqhldiDbrytew"
_STEPS = frozenset(
    {".c", ".x", "ca", "cf", "c.", "cu", "ua", "uU", "Ua"} | {f".{letter}" for letter in _SKIPS}
)  # fmt: skip
"""How one person's letter may change."""
_STOP_SECONDS = 5.0
_MOST_CALLS = 3
_WINDOW = 15 * 60.0 - 60.0
_WEEK_MINUTES = 7 * 24 * 60
_MINUTE_SLACK = 2


class Broken(AssertionError):
    """A promise that did not hold."""


class Watch:
    """Sees every change of every store, and every acceptance. It believes no adapter and no service."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.steps = 0
        self.violations: list[str] = []
        self.accepted: dict[str, OutboundEmail] = {}
        """Send key to the mail that the provider truly took."""
        self.refused: set[str] = set()
        """Places (run/customer) of mails that the provider refused for good."""
        self.taken_by: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """Customer to step and minute of the claim of every marketing mail that was taken."""
        self.closed: dict[str, int] = {}
        """Customer to the step since which marketing is forbidden."""
        self.shut: dict[str, int] = {}
        """Customer to the step since which every message is forbidden (suppressed or erased)."""
        self.ever_closed: set[str] = set()
        self.last_claim: dict[str, int] = {}
        self.counted_at: dict[tuple[str, str], tuple[int, int]] = {}
        """(Customer, gate key) to the step of the claim and the minute that the gate noted."""
        self.halted: dict[str, tuple[int, float]] = {}
        """Run to step and time since which it must not send."""
        self.seal: Any = None
        self.forgot: set[str] = set()
        """Runs of before a restore: their letters may be of the past."""
        self.held: dict[str, tuple[int, float]] = {}
        """The same of tenants."""
        self.holds: Mapping[str, Any] = {}
        self.singles: dict[str, list[float]] = {}
        """Single message to the times at which the provider took it."""
        self.restored_at = 0.0
        self.lost_messages: set[str] = set()
        """Single messages of which the restored tables know nothing."""
        self.patient: set[str] = set()
        """Single messages that are sent again only after silence."""
        self.calls: deque[float] = deque()
        """When the calls of the last second began."""
        self.runs: dict[str, Run] = {}
        self.chunks: dict[ChunkRef, Chunk] = {}
        self.people: Mapping[ChunkRef, Any] = {}
        self.marked_at: dict[tuple[ChunkRef, int], float] = {}
        """When a person was last marked as being called."""
        self.evidence: Mapping[str, datetime] = {}
        self.zones: Mapping[str, str | None] = {}
        self.sums: dict[str, Counter[str]] = defaultdict(Counter)

    def broken(self, words: str) -> None:
        """Note a violation, with the worker and the time."""
        s = self.scheduler
        who = s.current.name if s.current else "nobody"
        self.violations.append(f"{s.now - s.start:.3f} {who}: {words}")

    # --- gates ------------------------------------------------------------------------------------

    def gate(self, key: tuple[str, str], old: ContactGate | None, new: ContactGate | None) -> None:
        """A gate was written or removed."""
        self.steps += 1
        customer = key[1]
        if new is None:
            self._close(customer, everything=True)
            return
        if old is not None and new.version <= old.version:
            self.broken(f"the gate of {customer} changed without a new version")
        if "em" in new.suppressed:
            self._close(customer, everything=True)
        elif "em:m" not in new.granted:
            self._close(customer, everything=False)
        elif old is not None and "em:m" not in old.granted:
            self.closed.pop(customer, None)
            self.shut.pop(customer, None)
        if old is not None and old.granted == new.granted and old.suppressed == new.suppressed:
            self._claim(customer, old, new)

    def consent(self, _key: Any, _old: Any, new: ConsentEntry) -> None:
        """An act of consent. After a restore a grant may find a gate that has forgotten the no before it."""
        if new.state == "granted" and new.customer_id not in self.shut:
            self.closed.pop(new.customer_id, None)

    def _close(self, customer: str, *, everything: bool) -> None:
        self.closed.setdefault(customer, self.steps)
        self.ever_closed.add(customer)
        if everything:
            self.shut.setdefault(customer, self.steps)

    def _claim(self, customer: str, old: ContactGate, new: ContactGate) -> None:
        worker = self.scheduler.current
        if customer not in self.closed:
            # Whoever closes a gate that is closed already writes it too: that is nobody's claim.
            self.last_claim[customer] = self.steps
        if worker is not None:
            worker.claims[customer] = self.steps
        if new.counted == old.counted:
            return
        known = set(old.counted.split(";"))
        for entry in new.counted.split(";"):
            if entry not in known:
                gate_key, minute, _ = entry.split(":")
                self._counted(customer, gate_key, int(minute, 36))

    def _counted(self, customer: str, gate_key: str, minute: int) -> None:
        self.counted_at.setdefault((customer, gate_key), (self.steps, minute))
        now, worker = self.scheduler.now / 60, self.scheduler.current
        since = worker.settled / 60 if worker is not None else now
        if not since - _MINUTE_SLACK <= minute <= now + _MINUTE_SLACK:
            self.broken(f"{customer} was counted in another minute than that of the claim")

    # --- runs and chunks --------------------------------------------------------------------------------

    def run(self, key: tuple[str, str], old: Run | None, new: Run) -> None:
        """A run was stored."""
        self.steps += 1
        self.runs[new.id] = new
        if new.status in ("paused", "cancelled"):
            self.halted.setdefault(new.id, (self.steps, self.scheduler.now))
        else:
            self.halted.pop(new.id, None)
        if new.id in self.forgot:
            return
        if old is not None and old.status in ("done", "cancelled") and new.status != old.status:
            self.broken(f"run {new.id} went from {old.status} to {new.status}")
        planned = sum(len(self.chunks[ChunkRef(new.tenant, new.id, n)].letters) for n in new.chunk_numbers)
        if planned != new.audience:
            self.broken(f"run {new.id} has an audience of {new.audience}, its chunks hold {planned}")

    def chunk(self, ref: ChunkRef, old: Chunk | None, new: Chunk) -> None:
        """A chunk was created, taken, marked or lifted."""
        self.steps += 1
        self.chunks[ref] = new
        worker = self.scheduler.current
        if worker is not None and (old is None or old.token != new.token or "c" not in new.letters):
            # Taken, or a wave has ended: what this worker does from now on belongs to its next wave.
            worker.begun, worker.settled = self.steps, self.scheduler.now
        if old is None:
            people = self.people.get(ref, ())
            if len(people) != len(new.letters):
                self.broken(f"chunk {ref.number} is born with {len(new.letters)} letters for {len(people)} people")
            return
        if old.letters == new.letters:
            return
        if len(old.letters) != len(new.letters):
            self.broken(f"chunk {ref.number} had {len(old.letters)} people and has {len(new.letters)}")
            return
        called = 0
        for index, (before, after) in enumerate(zip(old.letters, new.letters, strict=True)):
            if before != after:
                called += after == "c"
                self._letter(ref, index, before, after)
        if called > WAVE:
            self.broken(f"a wave of {called} people")

    def _letter(self, ref: ChunkRef, index: int, before: str, after: str) -> None:
        if before + after not in _STEPS:
            self.broken(f"letter {index} of chunk {ref.number} went from {before} to {after}")
        if ref.run_id in self.forgot:
            return
        tags = self.people[ref][index].customer_id
        taken = f"{ref.run_id}/{tags}" in self.accepted
        if after == "f" and f"{ref.run_id}/{tags}" not in self.refused:
            self.broken(f"{tags} is written as failed, and the provider never refused the mail")
        if after == "a" and not taken:
            self.broken(f"{tags} is written as accepted, and the provider never took the mail")
        elif taken and after not in "auUc":
            self.broken(f"{tags} is written as {after}, and the provider took the mail")
        if after == "c":
            self.marked_at[ref, index] = self.scheduler.now
        elif after == "U":
            self._gave_up(ref, self.marked_at.get((ref, index), 0.0))

    def _gave_up(self, ref: ChunkRef, since: float) -> None:
        # From the mark on the call may have been made; whoever parked them may have slept before writing it down.
        if self.scheduler.now - since < UNKNOWN_AFTER.total_seconds() - 60:
            self.broken(f"chunk {ref.number} gave people up before their window was over")
        heard = self.evidence.get("memory")
        if heard is None or heard.timestamp() < since - 60:
            self.broken(f"chunk {ref.number} gave people up while nobody was heard of")

    def hold(self, tenant: str, _old: Any, new: Any) -> None:
        """A hold was set or lifted."""
        self.steps += 1
        if new is None:
            self.held.pop(tenant, None)
        else:
            self.held.setdefault(tenant, (self.steps, self.scheduler.now))

    def forget(self, runs: Mapping[Any, Run], chunks: Mapping[ChunkRef, Chunk], holds: Mapping[str, Any]) -> None:
        """The tables came back from a backup: what they hold now, however old. What was accepted stays accepted."""
        self.steps += 1
        now = (self.steps, self.scheduler.now)
        self.forgot |= set(self.runs)
        self.runs |= {run.id: run for run in runs.values()}
        self.chunks = dict(chunks)
        self.halted = {run.id: now for run in self.runs.values() if run.status in ("paused", "cancelled")}
        self.held = dict.fromkeys(holds, now)
        self.restored_at = self.scheduler.now
        self.counted_at.clear()
        self.taken_by.clear()

    # --- rows ----------------------------------------------------------------------------------------------

    def row(self, _key: Any, old: SendRow | None, new: SendRow) -> None:
        """A send row was born or climbed."""
        self.steps += 1
        sums = self.sums[new.run_id]
        sums[new.state] += 1
        if old is not None:
            sums[old.state] -= 1
        if new.chunk is None:
            self._single_row(old, new)
            return
        if f"{new.run_id}/{new.customer_id}" not in self.accepted:
            self.broken(f"a row of {new.customer_id} whom the provider never took")
        if old is not None and new.run_id not in self.forgot and RANKS[new.state] <= RANKS[old.state]:
            self.broken(f"the row of {new.customer_id} went from {old.state} to {new.state}")

    def _single_row(self, old: SendRow | None, new: SendRow) -> None:
        spoken = RANKS["accepted"]
        if RANKS[new.state] >= spoken and new.message_id not in self.singles:
            self.broken(f"message {new.message_id} is written as {new.state}, and the provider never took it")
        if old is not None and RANKS[old.state] >= spoken and RANKS[new.state] <= RANKS[old.state]:
            self.broken(f"message {new.message_id} went from {old.state} to {new.state}")

    # --- single messages ----------------------------------------------------------------------------------

    def single_call(self, mail: OutboundEmail, worker: Worker) -> None:
        """A single message reaches the provider: may it?"""
        customer, marketing = mail.tags["customer"], mail.tags["run"] == "single-m"
        if not self.seal.whole:
            self.broken(f"{customer} is called behind a broken seal")
        if customer in self.shut and self.shut[customer] <= worker.begun:
            self.broken(f"{customer} is sent a message after a no from before its turn")
        if marketing and customer in self.closed:
            step = worker.claims.get(customer, -1)
            if step <= worker.begun or self.closed[customer] < step:
                self.broken(f"{customer} is sent an offer after a committed no")
        hold, held = self.holds.get(TENANT), self.held.get(TENANT)
        if hold is not None and held is not None and hold.stops("marketing" if marketing else "transactional"):
            late = worker.called_at - held[1]
            if late > _STOP_SECONDS:
                self.broken(f"{customer} is sent a message {late:.1f} s after {TENANT} was held")

    def single_accept(self, mail: OutboundEmail) -> None:
        """The provider took a single message."""
        self.steps += 1
        now, taken = self.scheduler.now, self.singles.setdefault(mail.tags["message"], [])
        taken.append(now)
        marketing = mail.tags["run"] == "single-m"
        if self.restored_at > taken[0] and (not marketing or mail.tags["message"] in self.lost_messages):
            # What was known of it went with the tables. Offers that came back from the backup are not sent again.
            return
        if marketing and len(taken) > 1:
            self.broken(f"{mail.tags['customer']} is sent an offer twice")
        if len(taken) > _MOST_CALLS:
            self.broken(f"{mail.tags['customer']} is sent a message {len(taken)} times")
        if len(taken) > 1 and mail.tags["message"] in self.patient and now - taken[-2] < _WINDOW:
            self.broken(f"{mail.tags['customer']} is sent a receipt again after {now - taken[-2]:.0f} s")

    # --- acceptances --------------------------------------------------------------------------------------

    def call(self, mail: OutboundEmail, worker: Worker) -> None:
        """A mail reaches the provider, whatever becomes of it: may it?"""
        customer, run_id = mail.tags["customer"], mail.tags["run"]
        run = self.runs[run_id]
        if not self.seal.whole:
            self.broken(f"{customer} is called behind a broken seal")
        letter = self.chunks[ChunkRef(run.tenant, run_id, int(mail.tags["chunk"]))].letters[int(mail.tags["index"])]
        if letter not in "cuU":
            self.broken(f"{customer} is called while the letter is {letter}")
        if run.purpose == "marketing":
            self._called_with_claim(customer, worker)
        elif customer in self.shut and self.shut[customer] <= worker.begun:
            self.broken(f"{customer} is called after a no from before the wave")
        self._may_call(customer, f"run {run_id} is {run.status}", self.halted.get(run_id), worker)
        hold = self.holds.get(run.tenant)
        if hold is not None and hold.stops(run.purpose):
            self._may_call(customer, f"{run.tenant} is held", self.held.get(run.tenant), worker)

    def _may_call(self, customer: str, why: str, halted: tuple[int, float] | None, worker: Worker) -> None:
        if halted is None:
            return
        late = worker.called_at - halted[1]
        if worker.looked >= halted[0] or late > _LOOK_AGE:
            self.broken(f"{customer} is called {late:.1f} s after it was known that {why}")

    def _called_with_claim(self, customer: str, worker: Worker) -> None:
        step, last = worker.claims.get(customer, -1), self.last_claim.get(customer, -1)
        if step <= worker.begun and last > worker.read:
            # Two owners wrote the same claim: the second one recognised the first one's as its own.
            step = last
        elif step <= worker.begun:
            self.broken(f"{customer} is called without a claim of this wave")
        if customer in self.closed and self.closed[customer] < step:
            self.broken(f"{customer} is called after a committed no")

    def pace(self, now: float, rate: float) -> None:
        """A call begins."""
        calls = self.calls
        while calls and calls[0] <= now - 1.0:
            calls.popleft()
        calls.append(now)
        if len(calls) > rate:
            self.broken(f"{len(calls)} calls begin within a second, {rate:.0f} are granted")

    def accept(self, mail: OutboundEmail) -> None:
        """The provider took a mail."""
        self.steps += 1
        customer, run_id = mail.tags["customer"], mail.tags["run"]
        place = f"{run_id}/{customer}"
        if place in self.accepted:
            self.broken(f"{customer} is sent run {run_id} twice")
            return
        self.accepted[place] = mail
        run = self.runs[run_id]
        if run.purpose == "marketing":
            self._caps(run, customer, mail.tags["key"])

    def _caps(self, run: Run, customer: str, send_key: str) -> None:
        gate_key = urlsafe_b64encode(bytes.fromhex(send_key)[:9]).decode()
        counted = self.counted_at.get((customer, gate_key))
        if counted is None and run.id in self.forgot:
            # Taken late by the provider; what was counted went with the tables.
            return
        if counted is None:
            self.broken(f"{customer} is sent run {run.id} and not counted")
            return
        taken = self.taken_by[customer]
        taken.append(counted)
        if len(taken) > 1:
            self._windows(run, customer, counted[1], [minute for step, minute in taken if step <= counted[0]])

    def _windows(self, run: Run, customer: str, minute: int, earlier: list[int]) -> None:
        zone = self.zones.get(customer) or "UTC"
        if run.daily_cap is not None and sum(_day(m, zone) == _day(minute, zone) for m in earlier) > run.daily_cap:
            self.broken(f"{customer} passes the daily cap of {run.daily_cap}")
        if run.weekly_cap is not None and sum(m > minute - _WEEK_MINUTES for m in earlier) > run.weekly_cap:
            self.broken(f"{customer} passes the weekly cap of {run.weekly_cap}")


def _day(minute: int, zone: str) -> Any:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone)).date()
