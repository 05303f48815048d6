"""The pacer over the book of slots: processes that know nothing of each other share the rate, and limits hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meghdoot.areas.messaging.pacing_model import Reading
from meghdoot.areas.messaging.rules import sharing
from meghdoot.areas.messaging.rules.pacing import FILL
from meghdoot.areas.messaging.slots import line_of
from tests.support.slots import NOW, Office, a_demand, most_in_a_second, taken


def test_one_process_alone_has_all_slots_by_two_calls_a_frame() -> None:
    office = Office(300.0)
    slots = taken(office.pacer("w1"), a_demand(), 10.0)
    assert len([s for s in slots if s < NOW.timestamp() + 10]) >= 0.985 * 300 * 10
    assert most_in_a_second(slots) <= 300
    assert len(office.io) / 2 <= 12 * 10 * 0.3, "at most 12 calls for each 1,000 slots"


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.sampled_from([5, 14, 50, 300]), st.randoms(use_true_random=False))
def test_038_processes_that_know_nothing_of_each_other_never_hold_one_slot_twice(
    processes: int, rate: int, chance: object
) -> None:
    office = Office(rate)
    pacers = [office.pacer(f"w{n}") for n in range(processes)]
    asks = [(NOW + timedelta(seconds=chance.random()), n) for n in range(processes)]  # type: ignore[attr-defined]
    slots: list[float] = []
    end = NOW + timedelta(seconds=12)
    while asks:
        asks.sort()
        at, who = asks.pop(0)
        if at >= end:
            continue
        lease = pacers[who].lease(a_demand(f"t{who % 3}"), 25, at)
        slots += [at.timestamp() + slot for slot in lease.slots]
        asks.append((at + timedelta(seconds=(lease.slots[-1] if lease.count else lease.wait) + 1e-4), who))
    slots = sorted(round(slot, 6) for slot in slots)
    assert len(slots) == len(set(slots))
    assert most_in_a_second(slots) <= rate
    settled = [slot for slot in slots if NOW.timestamp() + 4 <= slot < end.timestamp() - 1]
    assert len(settled) >= 0.97 * rate * 7 - 1


def test_slots_that_have_passed_unused_are_not_handed_out() -> None:
    pacer = Office().pacer("w1")
    assert pacer.lease(a_demand(), 5, NOW).count == 5
    later = pacer.lease(a_demand(), 25, NOW + timedelta(seconds=10))
    assert later.count
    assert min(later.slots) >= 0


def test_a_sender_that_died_only_wastes_what_it_held() -> None:
    office = Office()
    dead, alive = office.pacer("dead"), office.pacer("alive")
    assert dead.lease(a_demand(), 1000, NOW).count > 40
    slots = taken(alive, a_demand(), 6.0)
    after = [slot for slot in slots if slot >= NOW.timestamp() + 2]
    assert len(after) >= 0.97 * 100 * 4


def test_somebody_urgent_waits_at_most_for_what_bulk_has_already_reserved() -> None:
    for offset in range(0, 700, 37):
        office = Office()
        bulk, urgent = office.pacer("bulk"), office.pacer("urgent")
        at, ask = NOW, NOW + timedelta(seconds=2, milliseconds=offset)
        while at < ask:
            lease = bulk.lease(a_demand(), 25, at)
            at += timedelta(seconds=(lease.slots[-1] if lease.count else lease.wait) + 1e-5)
        now, got = ask, urgent.lease(a_demand("t2", "", urgent=True), 1, ask)
        while not got.count:
            while at < now + timedelta(seconds=got.wait):
                lease = bulk.lease(a_demand(), 25, at)
                at += timedelta(seconds=(lease.slots[-1] if lease.count else lease.wait) + 1e-5)
            now += timedelta(seconds=got.wait)
            got = urgent.lease(a_demand("t2", "", urgent=True), 1, now)
        waited = (now - ask).total_seconds() + got.slots[0]
        assert waited <= 1.0, offset


def waited_in_a_crowd(*, urgent: bool) -> float:
    """Seconds until somebody new may make one call, beside sixty tenants who share five calls a second."""
    office = Office(5.0)
    crowd = [(office.pacer(f"w{n}"), a_demand(f"t{n}")) for n in range(60)]
    asks, begin = [(NOW, n) for n in range(60)], NOW + timedelta(seconds=4)
    newcomer, ask = office.pacer("new"), begin
    while True:
        asks.sort()
        at, who = asks.pop(0)
        while at >= ask:
            got = newcomer.lease(a_demand("new", "", urgent=urgent), 1, ask)
            if got.count:
                return (ask - begin).total_seconds() + got.slots[0]
            ask += timedelta(seconds=max(got.wait, 0.01))
        pacer, demand = crowd[who]
        lease = pacer.lease(demand, 25, at)
        asks.append((at + timedelta(seconds=max(lease.slots[-1] if lease.count else lease.wait, 0.05)), who))


def test_somebody_urgent_goes_before_sixty_tenants_who_have_waited_longer() -> None:
    assert waited_in_a_crowd(urgent=True) <= 1.2
    assert waited_in_a_crowd(urgent=False) > 5.0, "there is no crowd"


def test_a_busy_process_makes_room_for_a_tenant_for_whom_nobody_works() -> None:
    office = Office()
    pacer = office.pacer("w1")
    busy = a_demand("big", yields=True)
    assert pacer.lease(busy, 1, NOW).count == 1
    second = int(NOW.timestamp())
    office.book.wait(line_of("ses", "account"), sharing.waiting_word("small", second), second + 60)
    at = NOW
    while not (lease := pacer.lease(busy, 100, at)).crowded:
        at += timedelta(seconds=0.1)
    assert lease.count == 0
    assert at <= NOW + timedelta(seconds=0.8), "it hears of it with the next frame"
    # The slots that it had asked for are good for the other tenant
    assert pacer.lease(a_demand("small"), 1, at).count == 1
    # A word that is over is struck by whoever comes across it
    pacer.lease(busy, 1, NOW + timedelta(seconds=300))
    assert office.book.words[line_of("ses", "account")] == frozenset()


def test_a_turn_that_has_just_begun_makes_no_room() -> None:
    office = Office()
    pacer = office.pacer("w1")
    second = int(NOW.timestamp())
    office.book.wait(line_of("ses", "account"), sharing.waiting_word("small", second), second + 60)
    got = [pacer.lease(a_demand("big"), 100, NOW + timedelta(seconds=n / 10)) for n in range(20)]
    assert not any(lease.crowded for lease in got)


def test_a_word_without_work_costs_less_and_less_room() -> None:
    office = Office()
    pacer, second = office.pacer("w1"), int(NOW.timestamp())
    office.book.wait(line_of("ses", "account"), sharing.waiting_word("ghost", second), second + 60)
    got = [pacer.lease(a_demand("big", yields=True), 100, NOW + timedelta(seconds=n / 10)) for n in range(1100)]
    assert 4 <= [lease.crowded for lease in got].count(True) <= 7


def test_a_new_rate_is_used_by_all_from_one_instant_on() -> None:
    office = Office()
    line = line_of("ses", "account")
    switch = NOW + timedelta(seconds=90)
    office.readings.items[line] = Reading(50.0, 10.0, switch, None, 0, NOW)
    pacer = office.pacer("w1", bound=0.0)
    assert pacer.lease(a_demand(), 1, NOW).spacing == pytest.approx(1 / 10 / FILL, rel=1e-3)
    assert pacer.lease(a_demand(), 1, switch).spacing == pytest.approx(1 / 50 / FILL, rel=1e-3)
    bounded = office.pacer("w2", bound=20.0)
    assert bounded.lease(a_demand(), 1, switch).spacing == pytest.approx(1 / 20 / FILL, rel=1e-3)
    assert office.pacer("w3", bound=0.0).rate("ses", "account") == 1.0, "nobody was asked yet"


def test_048_a_quota_that_is_used_up_gives_no_slots_and_says_when_to_ask_again() -> None:
    office = Office()
    line = line_of("ses", "account")
    office.readings.items[line] = Reading(100.0, None, NOW, 50, 10, NOW)
    pacer = office.pacer("w1")
    got = [pacer.lease(a_demand(left=100), 25, NOW + timedelta(seconds=n)) for n in range(3)]
    assert [lease.count for lease in got] == [25, 15, 0]
    assert got[2].reason == "quota"
    assert got[2].wait == 3600 - 2
    assert office.stalls.notes["t1", "r1"].reason == "quota"
    # What was leased and not used may be used
    pacer.used(a_demand(), 5, None, NOW + timedelta(seconds=3))
    assert pacer.lease(a_demand(), 25, NOW + timedelta(seconds=4)).count == 5
    # And a day later there is a new day's quota
    assert pacer.lease(a_demand(), 25, NOW + timedelta(hours=24, minutes=30)).reason == "quota"
    assert pacer.lease(a_demand(), 25, NOW + timedelta(hours=26)).count == 25


def test_limits_of_a_run_are_never_passed_by_all_processes_together() -> None:
    office = Office(1000.0)
    pacers = [office.pacer(f"w{n}") for n in range(4)]
    limited = a_demand(hourly_limit=40, daily_limit=70)
    sent: list[int] = []
    for hours, total in ((0, 40), (1, 70), (2, 70), (24, 110)):
        for second in range(3):
            at = NOW + timedelta(hours=hours, seconds=second + 0.1)
            leases = [pacer.lease(limited, 25, at) for pacer in pacers]
            sent += [lease.count for lease in leases]
        assert sum(sent) == total, hours
        assert {lease.reason for lease in leases} <= {"daily_limit", "hourly_limit"}


def test_a_limited_hour_gives_no_slots_of_the_next_one() -> None:
    office = Office()
    pacer, end = office.pacer("w1"), NOW + timedelta(hours=1)
    lease = pacer.lease(a_demand(hourly_limit=1000), 500, end - timedelta(seconds=0.3))
    assert 0 < lease.count <= 30
    assert lease.slots[-1] < 0.3


def test_a_new_sender_grows_day_by_day() -> None:
    office = Office(1000.0)
    pacer = office.pacer("w1")
    ramped = a_demand(ramp_identity="@new.example", ramp_started_on=NOW.date())
    got = []
    for day in (0, 1, 2):
        leases = [pacer.lease(ramped, 100, NOW + timedelta(days=day, seconds=n)) for n in range(8)]
        got.append(sum(lease.count for lease in leases))
        assert leases[-1].reason == "ramp"
    assert got == [50, 100, 500]
    assert pacer.lease(ramped, 100, NOW + timedelta(days=10)).count == 100
