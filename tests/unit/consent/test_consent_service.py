from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.areas.consent.model import ConsentEntry, ContactGate, Withdrawal
from meghdoot.areas.consent.rules import verify_chain
from meghdoot.areas.consent.service import ConsentService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from meghdoot.kernel.ids import SystemIds


@dataclass
class BrokenLog:
    """A bucket that is down until it is mended."""

    inner: MemoryWithdrawalLog
    broken: bool = True

    def append(self, withdrawal: Withdrawal) -> None:
        if self.broken:
            raise Unavailable("the bucket is down")
        self.inner.append(withdrawal)


class RacingLedger(MemoryConsentLedger):
    """Somebody else writes just before each of the next `rivals` appends."""

    rivals = 0

    def append(self, entry: ConsentEntry) -> None:
        if self.rivals:
            self.rivals -= 1
            raise Conflict("another act of consent came first", code="sequence_taken")
        super().append(entry)


@dataclass
class World:
    gates: GateStore = field(default_factory=GateStore)
    clock: ManualClock = field(default_factory=ManualClock)
    log: MemoryWithdrawalLog = field(default_factory=MemoryWithdrawalLog)

    def __post_init__(self) -> None:
        self.gates.put(ContactGate("acme", "c1", 1))
        self.ledger = RacingLedger(self.gates)
        self.suppressions = MemorySuppressions(self.gates)
        self.consent = ConsentService(self.ledger, self.suppressions, self.log, self.clock, SystemIds(self.clock))

    def grant(self) -> ConsentEntry:
        return self.consent.record(
            "acme", "c1", "email", "marketing", "granted", source="form", text_version="v3", ip="203.0.113.9",
            user_agent="Agent", evidence="signup-1",
        )  # fmt: skip

    def one_click(self) -> ConsentEntry:
        return self.consent.record("acme", "c1", "email", "marketing", "withdrawn", source="one_click")


@pytest.fixture
def world() -> World:
    return World()


def test_an_act_is_kept_with_wording_address_and_the_servers_time(world: World) -> None:
    entry = world.grant()
    assert (entry.sequence, entry.text_version, entry.ip, entry.user_agent) == (1, "v3", "203.0.113.9", "Agent")
    assert entry.at == world.clock.at
    assert world.consent.gate("acme", "c1").granted == {"em:m"}
    assert world.log.lines == []


def test_a_withdrawal_closes_the_gate_and_leaves_a_line_before_the_answer(world: World) -> None:
    world.grant()
    entry = world.one_click()
    assert world.consent.gate("acme", "c1").granted == frozenset()
    assert [(line.kind, line.customer_id, line.at) for line in world.log.lines] == [("unsubscribe", "c1", entry.at)]


def test_111_a_second_one_click_is_answered_without_a_new_entry(world: World) -> None:
    world.grant()
    first = world.one_click()
    world.clock.advance(hours=30)
    assert world.one_click() == first
    assert len(world.consent.history("acme", "c1").items) == 2
    assert len(world.log.lines) == 1


def test_the_same_state_from_another_source_is_an_entry_of_its_own(world: World) -> None:
    world.grant()
    world.grant()
    world.one_click()
    world.consent.record("acme", "c1", "email", "marketing", "withdrawn", source="api")
    history = world.consent.history("acme", "c1").items
    assert [e.source for e in history] == ["form", "form", "one_click", "api"]
    assert verify_chain(history)


def test_a_bucket_that_is_down_is_told_after_the_gate_is_closed_and_a_repeat_writes_the_line(world: World) -> None:
    world.grant()
    broken = BrokenLog(world.log)
    consent = ConsentService(world.ledger, world.suppressions, broken, world.clock, SystemIds(world.clock))
    with pytest.raises(Unavailable):
        consent.record("acme", "c1", "email", "marketing", "withdrawn", source="one_click")
    assert world.consent.gate("acme", "c1").granted == frozenset()
    broken.broken = False
    world.clock.advance(days=1)
    consent.record("acme", "c1", "email", "marketing", "withdrawn", source="one_click")
    assert len(world.consent.history("acme", "c1").items) == 2
    assert [line.at.day for line in world.log.lines] == [5]


def test_four_rivals_are_outlasted_and_five_are_a_conflict(world: World) -> None:
    world.ledger.rivals = 4
    assert world.grant().sequence == 1
    world.ledger.rivals = 5
    with pytest.raises(Conflict):
        world.grant()


def test_a_grant_without_proof_is_refused_and_changes_nothing(world: World) -> None:
    with pytest.raises(Invalid):
        world.consent.record("acme", "c1", "email", "marketing", "granted", source="import")
    assert world.consent.gate("acme", "c1").version == 1
    assert world.consent.history("acme", "c1").items == ()


def test_nobody_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.consent.gate("acme", "nobody")
    with pytest.raises(NotFound):
        world.consent.gate("other", "c1")


def test_063_a_complaint_suppresses_withdraws_and_is_kept_for_ever(world: World) -> None:
    world.grant()
    assert world.consent.suppress("acme", "k1#aa", "email", "complaint", customer_id="c1", evidence="event-1")
    gate = world.consent.gate("acme", "c1")
    assert (gate.granted, gate.suppressed) == (frozenset(), {"em"})
    assert [e.source for e in world.consent.unsubscribes("acme", "email").items] == ["complaint"]
    assert {line.kind for line in world.log.lines} == {"complaint"}


def test_059_a_complaint_told_five_times_is_one_complaint(world: World) -> None:
    world.grant()
    told = []
    for _ in range(5):
        told.append(world.consent.suppress("acme", "k1#aa", "email", "complaint", customer_id="c1", evidence="event-1"))
        world.clock.advance(days=1)
    assert told == [True, False, False, False, False]
    assert len(world.consent.history("acme", "c1").items) == 2
    assert len(world.log.lines) == 2
    assert {line.at.day for line in world.log.lines} == {5}


def test_a_hard_bounce_after_a_mended_one_leaves_its_own_line(world: World) -> None:
    world.consent.suppress("acme", "k1#aa", "email", "hard_bounce", evidence="event-1")
    world.consent.lift_suppression("acme", "k1#aa", "email")
    assert world.consent.suppress("acme", "k1#aa", "email", "hard_bounce", evidence="event-2")
    assert len(world.log.lines) == 2


def test_a_complaint_of_an_erased_customer_suppresses_the_address(world: World) -> None:
    assert world.consent.suppress("acme", "k1#aa", "email", "complaint", customer_id="gone", evidence="event-1")
    assert world.suppressions.get("acme", "k1#aa", "email") is not None
    assert [line.kind for line in world.log.lines] == ["complaint"]


def test_a_manual_suppression_is_kept_for_ever_and_can_be_lifted(world: World) -> None:
    world.grant()
    world.consent.suppress("acme", "k1#aa", "email", "manual", customer_id="c1")
    assert [line.kind for line in world.log.lines] == ["suppression"]
    assert world.consent.gate("acme", "c1").suppressed == {"em"}
    world.consent.lift_suppression("acme", "k1#aa", "email", "c1")
    gate = world.consent.gate("acme", "c1")
    assert (gate.granted, gate.suppressed) == (frozenset(), frozenset())


def test_a_new_profile_with_a_suppressed_address_gets_a_closed_gate(world: World) -> None:
    world.consent.suppress("acme", "k1#aa", "email", "hard_bounce", evidence="event-1")
    closed = world.consent.close_suppressed_channels("acme", "c1", {"email": "k1#aa", "sms": "k1#bb"})
    assert closed == ("email",)
    world.grant()
    assert world.consent.gate("acme", "c1").granted == frozenset()


def test_113_withdrawing_everything_closes_every_granted_channel_and_no_other_persons(world: World) -> None:
    world.gates.put(ContactGate("acme", "c1", 1, frozenset({"em:m", "sm:m", "em:t"})))
    world.gates.put(ContactGate("acme", "c2", 1, frozenset({"em:m"})))
    entries = world.consent.withdraw_all("acme", "c1", source="unsubscribe_page", reason="privacy")
    assert [e.channel for e in entries] == ["email", "sms"]
    assert world.consent.gate("acme", "c1").granted == {"em:t"}
    assert world.consent.gate("acme", "c2").granted == {"em:m"}


def test_withdrawing_everything_again_writes_the_lines_that_the_first_call_could_not(world: World) -> None:
    world.gates.put(ContactGate("acme", "c1", 1, frozenset({"em:m", "sm:m"})))
    broken = BrokenLog(world.log)
    consent = ConsentService(world.ledger, world.suppressions, broken, world.clock, SystemIds(world.clock))
    for _ in range(2):
        with pytest.raises(Unavailable):
            consent.withdraw_all("acme", "c1", source="unsubscribe_page")
    broken.broken = False
    consent.withdraw_all("acme", "c1", source="unsubscribe_page")
    consent.withdraw_all("acme", "c1", source="unsubscribe_page")
    assert sorted(line.channel for line in world.log.lines) == ["email", "sms"]
    assert len(world.consent.history("acme", "c1").items) == 2
