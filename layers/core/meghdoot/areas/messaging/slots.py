"""The pacer: one process's part in dealing out the slots of an account's rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.areas.messaging.pacing_model import FrameName, Page, Reading, StallReason
from meghdoot.areas.messaging.pacing_ports import RateBook, Readings, Stalls, Tallies
from meghdoot.areas.messaging.purse import Purse
from meghdoot.areas.messaging.rules import allowances, pacing, sharing
from meghdoot.areas.messaging.rules.pacing import Grid
from meghdoot.areas.messaging.rules.sharing import Claimant
from meghdoot.kernel.errors import Throttled

READING_AGE = timedelta(seconds=60)
_NOTE_AGE = timedelta(seconds=60)
_MOST_NOTED = 1000
_TRIES = 4
_KEPT_SECONDS = 3600
_SHORTEST_WAIT = 0.005
_BUSY_SECONDS = 0.05
_SMOOTHING = 0.2
_NANO = 1e9
_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclass(slots=True)
class _Line:
    """What a process knows about one account's rate."""

    grid: Grid
    held: list[int] = field(default_factory=list)
    """Slots in hand, in order."""
    asked: int = 0
    """The last frame that it asked for."""
    crowded: tuple[str, ...] = ()
    """Tenants that wait, when it is upon this process to make room for them."""
    rota: sharing.Rota | None = None


@dataclass(slots=True)
class SlotPacer:
    """Leases slots frame by frame: one read and one write a frame, whatever the number of waves in it.

    `bound` is the operator's upper bound in calls a second, 0 for none. `worker` makes the name of this process, once.
    """

    book: RateBook
    tallies: Tallies
    readings: Readings
    stalls: Stalls
    bound: float
    worker: Callable[[], str]
    _name: str = ""
    _lines: dict[str, _Line] = field(default_factory=dict)
    _known: dict[str, tuple[Reading | None, datetime]] = field(default_factory=dict)
    _purse: Purse | None = None
    _call_seconds: float = 0.0
    _yielded: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Tenants for whom room was made: how often in a row, and in which second last."""
    _noted: dict[tuple[str, str | None], datetime] = field(default_factory=dict)

    def rate(self, provider: str, identity: str) -> float:
        """Calls a second that the account is granted, as far as this process knows."""
        known = self._known.get(line_of(provider, identity))
        return self._rate(known[0] if known else None, known[1] if known else None)

    def lease(self, demand: Demand, wanted: int, now: datetime) -> Lease:
        """Slots for at most `wanted` calls. Raises Unavailable or Throttled when the book does not answer."""
        name = line_of(demand.provider, demand.identity)
        reading = self._reading(name, now)
        allowed = self._hand().allow(demand, name, reading, wanted, now)
        if isinstance(allowed, Lease):
            self._note(demand, allowed, now)
            return allowed
        line, at = self._line(name, self._rate(reading, now)), pacing.nanoseconds(now.timestamp())
        line.held = [slot for slot in line.held if slot >= at]
        try:
            self._hold(name, line, demand, at, wanted)
        except Throttled:
            # A definite no: what is in hand is good, and the frame is asked for again with the next wave.
            if not line.held:
                return Lease(0, _BUSY_SECONDS, line.grid.spacing / _NANO, "rate")
        if line.crowded and demand.yields:
            self._make_room(line, int(at / _NANO))
            return Lease(0, 0.0, line.grid.spacing / _NANO, "share", crowded=True)
        slots = self._within(demand, line.held[:allowed], now)
        if not slots:
            return Lease(0, self._next_chance(line, at), line.grid.spacing / _NANO, "rate")
        del line.held[: len(slots)]
        self._hand().spend(demand, name, reading, len(slots), now)
        offsets = tuple((slot - at) / _NANO for slot in slots)
        return Lease(len(slots), offsets[0], line.grid.spacing / _NANO, None, offsets)

    def used(self, demand: Demand, unused: int, call_seconds: float | None, now: datetime) -> None:
        """What became of a lease: calls that were not made after all, and how long one took on average."""
        if unused:
            name = line_of(demand.provider, demand.identity)
            self._hand().spend(demand, name, self._reading(name, now), -unused, now)
        if call_seconds is not None:
            known = self._call_seconds or call_seconds
            self._call_seconds = known + _SMOOTHING * (call_seconds - known)

    def waits(self, demand: Demand, reason: StallReason, seconds: float, now: datetime) -> None:
        """What the provider itself has said. A single message has nobody who would ask."""
        if demand.run_id is not None:
            self.stalls.note(demand.tenant, demand.run_id, reason, now, now + timedelta(seconds=seconds))

    def _note(self, demand: Demand, lease: Lease, now: datetime) -> None:
        key = (demand.tenant, demand.run_id)
        if demand.run_id is None or lease.reason is None or now - self._noted.get(key, now - _NOTE_AGE) < _NOTE_AGE:
            return
        if len(self._noted) >= _MOST_NOTED:
            self._noted = {}
        self._noted[key] = now
        self.stalls.note(demand.tenant, demand.run_id, lease.reason, now, now + timedelta(seconds=lease.wait))

    def _hand(self) -> Purse:
        if self._purse is None:
            self._purse = Purse(self.tallies)
        return self._purse

    def _reading(self, name: str, now: datetime) -> Reading | None:
        known = self._known.get(name)
        if known is None or now - known[1] >= READING_AGE:
            known = (self.readings.get(name), now)
            self._known[name] = known
        return known[0]

    def _rate(self, reading: Reading | None, now: datetime | None) -> float:
        before = self.bound or pacing.FIRST_RATE
        if reading is None or now is None:
            return before
        granted = reading.rate if now >= reading.switch_at else (reading.before or before)
        return min(granted, self.bound) if self.bound else granted

    def _line(self, name: str, rate: float) -> _Line:
        line = self._lines.get(name)
        if line is None or line.grid.rate != pacing.grid_of(rate).rate:
            # Slots of another grid would not fit between those of this one.
            line = self._lines[name] = _Line(pacing.grid_of(rate))
        return line

    def _hold(self, name: str, line: _Line, demand: Demand, at: int, wanted: int) -> None:
        """Ask for this frame if it was not asked for, and for the next once it is near or nothing is in hand."""
        current = line.grid.frame_at(at)
        near = at >= line.grid.begins(current + 1) - pacing.LEAD_SECONDS * _NANO
        for frame in (current, current + 1):
            full = len(line.held) >= wanted or (bool(line.held) and not near)
            if frame > line.asked and not (frame > current and full):
                slots = line.grid.slots(frame, self._claim(name, line, demand, frame, at, wanted))
                line.held += [slot for slot in slots if slot >= at]

    def _claim(self, name: str, line: _Line, demand: Demand, frame: int, at: int, wanted: int) -> list[int]:
        before, this = FrameName(name, line.grid.rate, frame - 1), FrameName(name, line.grid.rate, frame)
        (known, page), waiting = self.book.look([before, this])
        me = self._claimant(demand, line.grid, wanted)
        self._see_waiting(name, line, me, known, waiting, frame, at)
        for _ in range(_TRIES):
            # As all see it: by the words of the frame before, and of those who are new in this one.
            everybody = {me.worker: me} | sharing.claimants_of(page.words) | sharing.claimants_of(known.words)
            due = self._due(line, sharing.shares(everybody.values(), line.grid.combs), me.worker, frame)
            free = frozenset(self._of_use_now(line.grid, frame, at)) - page.taken
            combs = pacing.choose(len(due), due, free, line.grid.combs)
            done, page = self.book.claim(this, combs, me.text(), int(at / _NANO) + _KEPT_SECONDS)
            if done:
                line.asked = frame
                return combs
        return []

    @staticmethod
    def _due(line: _Line, parts: dict[str, float], worker: str, frame: int) -> list[int]:
        if line.rota is None or not line.rota.is_of(parts, line.grid.combs, frame):
            line.rota = sharing.Rota(parts, line.grid.combs, frame)
        return line.rota.combs_of(worker, frame)

    @staticmethod
    def _of_use_now(grid: Grid, frame: int, at: int) -> list[int]:
        """Combs of a frame with at least one slot that has not passed."""
        return [comb for comb in range(grid.combs) if grid.slots(frame, [comb])[-1] >= at]

    def _claimant(self, demand: Demand, grid: Grid, wanted: int) -> Claimant:
        self._name = self._name or sharing.digest(self.worker())
        return Claimant(
            self._name, sharing.digest(demand.tenant), sharing.digest(demand.run_id or ""), demand.urgent,
            min(demand.tenant_weight, sharing.MOST_WEIGHT), min(demand.weight, sharing.MOST_WEIGHT),
            self._combs_of_use(demand, grid, wanted),
        )  # fmt: skip

    def _combs_of_use(self, demand: Demand, grid: Grid, wanted: int) -> int:
        """How many combs of a frame this process could keep up with: roughly, for each change breaks everybody's beat."""
        if demand.run_id is None:
            return max(1, -(-wanted // grid.teeth))
        calls = grid.combs * grid.teeth
        if self._call_seconds:
            # Calls vary, and between waves there is other work: a beat of three times the average can be kept.
            calls = min(calls, int(grid.seconds / self._call_seconds / 3))
        return max(step for step in _STEPS if step <= max(1, calls // grid.teeth))

    def _see_waiting(
        self, name: str, line: _Line, me: Claimant, known: Page, waiting: frozenset[str], frame: int, at: int
    ) -> None:
        """Find out whether some tenant waits for whom nobody works, and whether it is upon us to make room."""
        second = int(at / _NANO)
        live = {word for word in waiting if sharing.waits_until(word) > second}
        if waiting - live:
            self.book.forget(name, waiting - live)
        everybody = sharing.claimants_of(known.words) | {me.worker: me}
        served = {claimant.tenant for claimant in everybody.values()}
        for tenant in served:
            self._yielded.pop(tenant, None)
        lonely = {sharing.waiting_tenant(word) for word in live} - served
        due = tuple(tenant for tenant in lonely if self._may_yield(tenant, second))
        line.crowded = due if sharing.yields(me.worker, everybody.values(), frame) else ()

    def _make_room(self, line: _Line, second: int) -> None:
        for tenant in line.crowded:
            times, _ = self._yielded.get(tenant, (0, 0))
            self._yielded[tenant] = (times + 1, second)
        line.crowded = ()

    def _may_yield(self, tenant: str, second: int) -> bool:
        # A word may outlive its work: room is made for it at growing distances.
        times, last = self._yielded.get(tenant, (0, 0))
        return not times or second - last >= 2 ** min(times, 6)

    def _next_chance(self, line: _Line, at: int) -> float:
        """Seconds until it makes sense to ask again: when the next frame is open, or else begins."""
        current = line.grid.frame_at(at)
        opens = line.grid.begins(current + 1)
        return max(_SHORTEST_WAIT, (opens - at) / _NANO)

    @staticmethod
    def _within(demand: Demand, slots: list[int], now: datetime) -> list[int]:
        """A limit of an hour or a day counts the calls of that hour: slots of the next one are not given out in this."""
        if demand.hourly_limit is None and demand.daily_limit is None and demand.ramp_identity is None:
            return slots
        end = allowances.hour_of(now) + timedelta(hours=1)
        last = pacing.nanoseconds(end.timestamp() - pacing.LATE_SECONDS)
        return [slot for slot in slots if slot < last]


def line_of(provider: str, identity: str) -> str:
    """The name of an account's line of slots."""
    return f"{provider}#{identity}"
