"""What people, vendors and operators do in one seed, and when: launches, withdrawals, pauses, erasures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meghdoot.areas.consent.rules import withdrawal_of_erasure
from meghdoot.areas.messaging.model import ChunkRef
from meghdoot.areas.messaging.person_token import PersonRef
from meghdoot.areas.messaging.recipients import Farewell, Visit
from meghdoot.areas.messaging.rules.keys import send_key
from meghdoot.areas.messaging.rules.pausing import RESTORED
from meghdoot.areas.messaging.singles.rules import message_id
from meghdoot.kernel.errors import AppError, Conflict, NotFound
from tests.sim.people import address_key
from tests.sim.restored import Restore
from tests.sim.scheduler import Worker
from tests.sim.singles import Singles
from tests.sim.world import World
from tests.support.killing import CONTENT, TENANT

DAY = 86_400.0
_HOURS_OF_CALM = 4.5
_VISIT = Visit("POST", "probe", "203.0.113.9")
_SOURCES = ("one_click", "unsubscribe_page")
_RESTORED_PART = 0.04
_SINGLES_PART = 0.3
_CAPS = (None, 1, 1, 2)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run to launch."""

    run_id: str
    at: float
    purpose: Any
    slices: int
    daily_cap: int | None
    weekly_cap: int | None


class Story:
    """Puts the events of a seed on the line of time; everything after `calm_at` goes without a fault."""

    def __init__(self, world: World) -> None:
        self.world, self.chance = world, world.chance
        start = world.scheduler.now
        self.plans = self._plans(start)
        self.restore = self._disaster()
        last = max(plan.at for plan in self.plans)
        self.calm_at = last + 300.0 + self.chance() * (5400.0 if self.chance() < 0.4 else 900.0)
        self.rest_at = self.calm_at + _HOURS_OF_CALM * 3600.0
        self.end_at = self.rest_at + 29 * 3600.0
        self.acts: dict[str, int] = {}
        self.singles = Singles(world) if self.chance() < _SINGLES_PART else None
        if self.singles is not None:
            self._messages(self.singles, start)
        # Now and then the clock ticks so often that sweeps meet planning.
        self.beat = 60.0 if self.chance() < 0.85 else 5.0
        for plan in self.plans:
            world.scheduler.at(plan.at, lambda plan=plan: self._launch(plan))
            self._operators(plan)
        self._visitors()
        world.scheduler.at(start + self.chance() * 60, self._tick)
        world.scheduler.at(self.calm_at, self._calm)
        for hours in (25.0, 27.0):
            world.scheduler.at(self.rest_at + hours * 3600.0, self._proof_of_life)
        for hours in (2.0, 6.0, 19.0, 26.0, 26.3, 26.6, 27.3, 27.6, 28.0, 28.4) if self.singles else ():
            world.scheduler.at(self.rest_at + hours * 3600.0, self._sweep_singles)
        for hours in (13.0, 25.2, 25.4, 25.6):
            world.scheduler.at(self.rest_at + hours * 3600.0, self._sweep)

    def _pick(self, items: Any) -> Any:
        return items[int(self.chance() * len(items))]

    def _act(self, name: str) -> None:
        self.acts[name] = self.acts.get(name, 0) + 1

    # --- campaigns --------------------------------------------------------------------------------------

    def _plans(self, start: float) -> list[Plan]:
        plans, at = [], start + self.chance() * 5
        for number in range(1 if self.chance() < 0.3 else 2 if self.chance() < 0.75 else 3):
            purpose = "transactional" if self.chance() < 0.12 else "marketing"
            daily, weekly = self._pick(_CAPS), self._pick((None, None, 2, 3))
            plans.append(Plan(f"r{number}", at, purpose, self._pick((1, 1, 2, 3)), daily, weekly))
            u = self.chance()
            # At once, within minutes, or days later, where the windows of the caps end.
            at += 0.0 if u < 0.4 else self.chance() * 900 if u < 0.85 else self.chance() * 8 * DAY
        return plans

    def _disaster(self) -> Restore | None:
        """In some seeds the tables are restored, and a campaign is launched over what came back."""
        world = self.world
        if self.chance() >= _RESTORED_PART or not world.weather.allows("restored"):
            return None
        restore = Restore(world, self.plans[0].at)
        at = restore.lost_at + self.chance() * 3600
        self.plans.append(Plan("after", at, "marketing", self._pick((1, 2)), None, None))
        return restore

    def _launch(self, plan: Plan) -> None:
        service = self.world.service

        def create(_worker: Worker) -> None:
            if plan.run_id in self.world.lost_runs:
                # Whom it has mailed only the provider knows: nobody launches it again.
                return
            service.create_run(
                TENANT, run_id=plan.run_id, email_campaign_id="e1", campaign_id=None, purpose=plan.purpose,
                segment_ids=["s1"], content=CONTENT, attribution_days=7, daily_cap=plan.daily_cap,
                weekly_cap=plan.weekly_cap, expected_people=50_000 * plan.slices,
            )  # fmt: skip
            self._plan_slice(plan.run_id, 0)

        self.world.job("launch", create, tries=99)

    def _plan_slice(self, run_id: str, slice_: int) -> None:
        def work(_worker: Worker) -> None:
            if run_id in self.world.lost_runs:
                return
            following = self.world.planner.plan_slice(TENANT, run_id, slice_)
            if following is not None:
                self._plan_slice(run_id, following)

        self.world.job("planner", work, life=900.0, tries=99)

    def _operators(self, plan: Plan) -> None:
        u = self.chance()
        soon = plan.at + 1 + self.chance() * (60 if self.chance() < 0.7 else 1200)
        if u < 0.12:
            self._change("cancel", plan.run_id, soon)
        elif u < 0.30:
            self._change("pause", plan.run_id, soon)
            back = soon + self.chance() * (3 if self.chance() < 0.3 else 1200)
            self._change("resume", plan.run_id, back)
            if self.chance() < 0.2:
                self._change("cancel", plan.run_id, back + self.chance() * 30)

        if self.chance() < 0.12:
            at = plan.at + 1 + self.chance() * 60
            self._change("hold", plan.run_id, at)
            self._change("lift", plan.run_id, at + self.chance() * (10 if self.chance() < 0.4 else 900))

    def _change(self, name: str, run_id: str, at: float) -> None:
        service, sending = self.world.service, self.world.sending
        change: Any = {
            "pause": lambda: service.pause(TENANT, run_id, "by hand"),
            "resume": lambda: service.resume(TENANT, run_id),
            "cancel": lambda: service.cancel(TENANT, run_id),
            "hold": lambda: sending.stop(TENANT, "operator", "wait"),
            "lift": lambda: sending.resume(TENANT),
        }[name]

        def work(_worker: Worker) -> None:
            self._act(name)
            try:
                change()
            except (Conflict, NotFound):
                # The run is over already, or a restore has made it unknown.
                return

        self.world.scheduler.at(at, lambda: self.world.job(name, work, tries=6))

    # --- recipients ----------------------------------------------------------------------------------------

    def _visitors(self) -> None:
        world, chance = self.world, self.chance
        for plan in self.plans:
            receipts = plan.purpose == "transactional"
            count = 2 + int(chance() * 4) if receipts else int(chance() * chance() * 6)
            for _ in range(count):
                at = plan.at + chance() * (20 if receipts else 120 if chance() < 0.7 else 1800)
                act, customer = self._visit(chance(), receipts=receipts), self._pick(world.people.ids)
                world.scheduler.at(at, lambda act=act, plan=plan, customer=customer: act(plan, customer))
        if chance() < 0.5:
            world.scheduler.at(self.plans[0].at + chance() * 600, self._report)

    def _visit(self, u: float, *, receipts: bool) -> Any:
        """Who is at the door: those to whom receipts go are stopped by nothing less than a closed address."""
        if receipts:
            return self._suppress if u < 0.5 else self._erase
        if u < 0.6:
            return self._unsubscribe
        return self._suppress if u < 0.75 else self._erase if u < 0.9 else self._consent_again

    def _unsubscribe(self, plan: Plan, customer: str) -> None:
        world, key = self.world, send_key(plan.run_id, "email", customer)
        person = PersonRef(TENANT, plan.run_id, customer, "email", key)
        farewell = Farewell(self._pick(_SOURCES), everything=self.chance() < 0.5)

        def work(_worker: Worker) -> None:
            self._act("unsubscribe")
            granted = self.acts.get("consent", 0)
            world.recipients.unsubscribe(person, _VISIT, farewell)
            gate = world.gate_store.get(TENANT, customer)
            if gate is not None and "em:m" in gate.granted and granted == self.acts.get("consent", 0):
                world.watch.broken(f"{customer} was told goodbye, and the gate is open")
            if gate is not None and all(line.customer_id != customer for line in world.log.lines):
                world.watch.broken(f"{customer} was told goodbye, and no line is in the write-once bucket")

        world.job("recipient", work, tries=4)

    def _suppress(self, _plan: Plan, customer: str) -> None:
        def work(_worker: Worker) -> None:
            self._act("suppress")
            self.world.consent.suppress(
                TENANT,
                address_key(TENANT, f"{customer}@x.example"),
                "email",
                "manual",
                customer_id=customer,
                evidence=f"by-hand-{customer}",
            )

        self.world.job("support", work, tries=4)

    def _erase(self, _plan: Plan, customer: str) -> None:
        world = self.world

        def work(_worker: Worker) -> None:
            self._act("erase")
            world.log.append(withdrawal_of_erasure(TENANT, customer, world.clock.now()))
            try:
                world.people.delete(TENANT, customer)
            except NotFound:
                return

        world.job("support", work, tries=4)

    def _consent_again(self, _plan: Plan, customer: str) -> None:
        def work(_worker: Worker) -> None:
            self._act("consent")
            try:
                self.world.consent.record(
                    TENANT, customer, "email", "marketing", "granted", source="form", text_version="1"
                )
            except AppError:
                return

        self.world.job("support", work)

    def _messages(self, singles: Singles, start: float) -> None:
        for number in range(1 + int(self.chance() * 7)):
            wanted = singles.request(number)
            if (wanted.purpose, wanted.kind) == ("transactional", "default"):
                self.world.watch.patient.add(message_id(TENANT, wanted.key))
            at = start + self.chance() * (60 if self.chance() < 0.5 else 1500)
            self.world.scheduler.at(at, lambda wanted=wanted: singles.ask(wanted))
        self._act("message")

    # --- the house itself -------------------------------------------------------------------------------------

    def _report(self) -> None:
        """Somebody reads the sums while everything moves."""
        world = self.world

        def work(_worker: Worker) -> None:
            self._act("report")
            for plan in self.plans:
                run = world.runs._items.get((TENANT, plan.run_id))
                if run is None:
                    continue
                sums = world.service.accounting(run)
                if sum(sums.values()) != run.audience:
                    world.watch.broken(f"run {run.id} of {run.audience} people adds up to {sum(sums.values())}: {sums}")

        world.job("report", work)

    def _tick(self) -> None:
        world = self.world
        now = world.scheduler.now
        if now > self.rest_at:
            return
        self._sweep()
        if now < self.calm_at:
            near = any(plan.at <= now < plan.at + 5400 for plan in self.plans)
            wait = self.beat + self.chance() * self.beat * 10 if near else DAY / 3
            later = [plan.at - now + 30 for plan in self.plans if plan.at > now]
            wait = min([wait, *later])
        else:
            wait = 2700.0
        world.scheduler.after(wait, self._tick)

    def _sweep(self) -> None:
        world = self.world
        world.scheduler.spawn("ticker", 55.0, lambda _worker: world.sweeper.sweep_all())
        self._sweep_singles()

    def _sweep_singles(self) -> None:
        singles = self.singles
        if singles is not None:
            self.world.scheduler.spawn("ticker", 55.0, lambda _worker: singles.sweeper.sweep())

    def _calm(self) -> None:
        """All faults stop; whoever operates the house resumes what stands still."""
        world = self.world
        world.weather.clear()
        self._change("lift", "", world.scheduler.now + 390)
        # Twice: a sender that stood still may yet tell of a provider that refused long ago.
        world.scheduler.after(400, self._go_on)
        world.scheduler.after(4000, self._go_on)
        urgent = () if self.singles is None else (self.singles.queue,)
        for queue in (world.chunk_queue, world.receipt_queue, *urgent):
            world.scheduler.after(700.0, queue.redrive)
            world.scheduler.after(9000.0, queue.redrive)

    def _go_on(self) -> None:
        """Paused runs are resumed; those that a restore has locked may only be cancelled. A late stop is lifted again."""
        if TENANT in self.world.holds.items:
            self._change("lift", "", self.world.scheduler.now)
        for plan in self.plans:
            run = self.world.watch.runs.get(plan.run_id)
            locked = run is not None and run.pause_reason == RESTORED
            self._change("cancel" if locked else "resume", plan.run_id, self.world.scheduler.now)

    def _proof_of_life(self) -> None:
        """Somebody else's mails are heard of: from now on silence means something."""
        world = self.world
        world.scheduler.spawn("receipts", 60.0, lambda _w: world.evidence.heard("memory", world.clock.now()))

    def refs(self, run_id: str) -> list[ChunkRef]:
        """The chunks of a run that was planned."""
        run = self.world.watch.runs[run_id]
        return [ChunkRef(TENANT, run_id, number) for number in run.chunk_numbers]
