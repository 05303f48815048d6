"""The gate, the claim's terms, noes while a run is sent, and caps against a model of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.messaging import MemoryGates
from meghdoot.areas.consent import rules
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.model import ClaimRequest, Recipient
from meghdoot.areas.messaging.rules import counted
from meghdoot.areas.messaging.rules.decide import decide
from tests.exhaustive.faults import Faults
from tests.exhaustive.house import House, small_waves
from tests.exhaustive.runner import by_name, place
from tests.support.killing import START, TENANT, World

ZONES = ("Asia/Dhaka", "America/New_York", "Pacific/Auckland")


def gates_and_claims() -> None:
    """A claim holds version and consent, knows its own repetition, and every writer of a gate raises the version."""
    gate = ContactGate(TENANT, "c1", 7, frozenset({"em:m", "em:t"}))
    for changed in (
        rules.gate_after(gate, "email", "marketing", "withdrawn"),
        rules.gate_after(gate, "sms", "marketing", "granted"),
        rules.gate_suppressed(gate, "email"),
        rules.gate_lifted(rules.gate_suppressed(gate, "email"), "email"),
    ):
        assert changed.version > gate.version, "a gate changed and nobody can tell"
    assert not rules.gate_suppressed(gate, "email").granted, "a grant outlived its address"
    store = GateStore()
    gates = MemoryGates(store)
    wanted = ClaimRequest(TENANT, "c1", 7, "em:m", "k")
    for stored, claimed in (
        (gate, True),
        (replace(gate, version=8), False),
        (replace(gate, granted=frozenset({"sm:m"})), False),
        (replace(gate, version=8, counted="k"), True),
        (replace(gate, version=8, counted="k", granted=frozenset()), False),
    ):
        store.put(stored)
        assert gates.claim([wanted])[0].claimed is claimed, f"claimed on {stored}"


def noes_in_a_run() -> None:
    """Somebody of the last wave leaves, is given up or erased while the first wave is called."""

    def given_up(house: House) -> None:
        house.consent.suppress(TENANT, "key", "email", "hard_bounce", customer_id=house.ids[-1])

    def erased(house: House) -> None:
        house.gates.delete(TENANT, house.ids[-1])

    def left(house: House) -> None:
        house.unsubscribe(house.runs.all(TENANT)[0], house.ids[-1])

    for purpose, acts in {"marketing": (given_up, erased, left), "transactional": (given_up, erased)}.items():
        for act in acts:
            with small_waves():
                _last_is_not_sent(purpose, act)


def _last_is_not_sent(purpose: str, act: Callable[[House], None]) -> None:
    house = House(6, Faults())
    house.launch(purpose=purpose, daily_cap=None)

    def meanwhile(_mail: object, number: int) -> None:
        if number == 1:
            act(house)

    house.provider.failure = meanwhile  # type: ignore[assignment]
    house.work()
    house.drain()
    assert sorted(house.accepted()) == house.ids[:-1], (
        f"{act.__name__}, and {sorted(house.accepted())} were sent {purpose}"
    )


def withdrawals() -> None:
    """Every withdrawal and complaint stands once in the ledger and once in the write-once lines."""
    for name in ("unsubscribe", "receipts"):
        wrong = place(by_name(name), ()).wrong
        assert not wrong, wrong
    house = House(2, Faults())
    run = house.launch(daily_cap=None)
    for _ in range(3):
        house.unsubscribe(run, "c00000")
    assert len(house.consent.history(TENANT, "c00000").items) == 1
    assert len(house.log.lines) == 1
    for _ in range(2):
        house.consent.record(TENANT, "c00000", "email", "marketing", "granted", source="form", text_version="v1")
        house.unsubscribe(run, "c00000")
    assert len(house.log.lines) == 3, "somebody left again, and no line says so"
    house.consent.suppress(TENANT, "key", "email", "complaint", customer_id="c00001", evidence="e")
    assert [e.source for e in house.consent.history(TENANT, "c00001").items] == ["complaint"]


def caps_by_a_reference() -> None:
    """Decisions over months, against a count of what was truly sent."""
    chance = Random(11)
    for trial in range(60):
        zone = ZONES[trial % len(ZONES)]
        daily, weekly = chance.choice([None, 1, 2]), chance.choice([None, 1, 3, 5])
        _follow(chance, zone, daily, weekly)
    _fill_a_gate()


def _follow(chance: Random, zone: str, daily: int | None, weekly: int | None) -> None:
    run = World(1).launch(daily_cap=daily, weekly_cap=weekly)
    person = Recipient(0, "c1", "c1@x.example", "en", zone)
    gate = ContactGate(TENANT, "c1", 1, frozenset({"em:m"}), zone=zone)
    sent: list[datetime] = []
    now = START
    for number in range(60):
        now += timedelta(minutes=chance.choice([1, 30, 300, 720, 1440, 2880, 4320, 7 * 1440 - 1, 7 * 1440]))
        one = replace(run, id=f"r{number}", stale_after=now + timedelta(days=8))
        decision = decide(person, gate, one, 0, now)
        today = [at for at in sent if _day(at, zone) == _day(now, zone)]
        week = [at for at in sent if at > now - timedelta(days=7)]
        free = (daily is None or len(today) < daily) and (weekly is None or len(week) < weekly)
        assert (decision.kind == "claim") == free, f"{decision} after {len(today)} today and {len(week)} this week"
        if decision.kind == "claim":
            sent.append(now)
            gate = replace(gate, counted=decision.counted, version=gate.version + 1)


def _day(at: datetime, zone: str) -> object:
    return at.astimezone(ZoneInfo(zone)).date()


def _fill_a_gate() -> None:
    run = World(1).launch(daily_cap=None, weekly_cap=None)
    person = Recipient(0, "c1", "c1@x.example", "en", "UTC")
    gate = ContactGate(TENANT, "c1", 1, frozenset({"em:m"}), zone="UTC")
    for number in range(counted.MAX_ENTRIES + 3):
        decision = decide(person, gate, replace(run, id=f"r{number}"), 0, START)
        gate = replace(gate, counted=decision.counted or gate.counted)
    assert gate.counted.count(";") < counted.MAX_ENTRIES, "the gate outgrew its item"
    fresh = replace(run, stale_after=START + timedelta(days=30))
    assert decide(person, gate, fresh, 0, START + timedelta(days=20)).kind == "claim", "a gate stayed full for ever"
