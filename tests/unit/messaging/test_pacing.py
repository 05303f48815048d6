"""Slots of the granted rate: frames, combs and shares; no second holds more calls than granted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meghdoot.adapters.memory.pacer import MemoryRateBook, MemoryReadings, MemoryStalls, MemoryTallies
from meghdoot.areas.messaging.model import Demand
from meghdoot.areas.messaging.pacing_model import Reading
from meghdoot.areas.messaging.rules import sharing
from meghdoot.areas.messaging.rules.pacing import FILL, LATE_SECONDS, choose, grid_of
from meghdoot.areas.messaging.rules.sharing import Claimant, Rota, claimants_of, fill, shares, yields
from meghdoot.areas.messaging.slots import SlotPacer, line_of

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
RATES = [1, 2, 5, 14, 50, 100, 278, 5000]


def most_in_a_second(calls: list[float]) -> int:
    """The most calls in any sliding second."""
    most = end = 0
    for start in range(len(calls)):
        while end < len(calls) and calls[end] < calls[start] + 1 - 1e-6:
            end += 1
        most = max(most, end - start)
    return most


@pytest.mark.parametrize("rate", RATES)
def test_038_all_slots_of_a_grid_together_are_99_percent_of_the_rate_and_no_second_has_more(rate: int) -> None:
    grid = grid_of(rate)
    first = grid.frame_at(1_767_603_600_000_000_000)
    slots = [s / 1e9 for f in range(first, first + 5) for s in grid.slots(f, range(grid.combs))]
    assert all(later - earlier == pytest.approx(grid.spacing / 1e9, abs=1e-6) for earlier, later in pairwise(slots))
    assert grid.spacing == pytest.approx(1e9 / rate / FILL, abs=1.1)
    # However late each call is, within what is allowed
    late = [slot + LATE_SECONDS * (n % 7) / 6 for n, slot in enumerate(slots)]
    assert most_in_a_second(sorted(late)) <= rate
    assert grid.combs <= 64
    assert grid.seconds <= 1.02


def test_combs_of_a_frame_never_share_a_slot() -> None:
    grid = grid_of(300)
    combs = [set(grid.slots(7, [comb])) for comb in range(grid.combs)]
    assert sum(len(comb) for comb in combs) == len(set().union(*combs)) == grid.combs * grid.teeth
    assert min(min(comb) for comb in combs) == grid.begins(7)
    assert max(max(comb) for comb in combs) < grid.begins(8)


@given(st.integers(1, 64), st.integers(0, 64), st.sets(st.integers(0, 63)), st.sets(st.integers(0, 63)))
def test_chosen_combs_are_free_and_those_that_are_due_come_first(
    combs: int, wanted: int, mine: set[int], free: set[int]
) -> None:
    free = {comb for comb in free if comb < combs}
    chosen = choose(wanted, mine, free, combs)
    assert len(chosen) == len(set(chosen)) == min(wanted, len(free))
    assert set(chosen) <= free
    assert len(set(chosen) & mine) == min(wanted, len(mine & free))


def test_few_combs_of_many_stand_evenly() -> None:
    assert choose(4, (), range(64), 64) == [0, 16, 32, 48]
    assert choose(2, (0, 16, 32, 48), range(64), 64) == [0, 32]


def claimant(worker: str, tenant: str = "t", **more: int | bool | str) -> Claimant:
    values: dict[str, int | bool | str] = {
        "run": "r", "urgent": False, "tenant_weight": 1, "run_weight": 1, "wants": 64,
    }  # fmt: skip
    return Claimant(worker, tenant, **(values | more))  # type: ignore[arg-type]


claimants = st.lists(
    st.builds(
        Claimant,
        st.text("abcdefgh", min_size=2, max_size=2),
        st.sampled_from("xyz"),
        st.sampled_from("rs"),
        st.booleans(),
        st.integers(1, 100),
        st.integers(1, 100),
        st.integers(1, 64),
    ),
    max_size=12,
    unique_by=lambda c: c.worker,
)


@given(claimants, st.integers(1, 64))
def test_shares_are_never_more_than_there_is_and_all_of_it_without_the_urgent(
    everybody: list[Claimant], combs: int
) -> None:
    dealt = shares(everybody, combs)
    assert set(dealt) == {c.worker for c in everybody}
    assert all(part >= 0 for part in dealt.values())
    assert sum(dealt.values()) <= combs + 1e-6
    if everybody and not any(c.urgent for c in everybody):
        assert sum(dealt.values()) == pytest.approx(combs)


@given(claimants, st.integers(1, 64))
def test_bulk_gets_nothing_that_somebody_urgent_wants(everybody: list[Claimant], combs: int) -> None:
    dealt = shares(everybody, combs)
    urgent = [c for c in everybody if c.urgent]
    bulk = [c for c in everybody if not c.urgent]
    if urgent and sum(dealt[c.worker] for c in bulk) > 1e-6:
        assert sum(dealt[c.worker] for c in urgent) == pytest.approx(sum(c.wants for c in urgent))
        assert sum(dealt.values()) <= combs - max(1, combs // sharing.ROOM_PART) + 1e-6


def test_tenants_share_by_weight_and_within_a_tenant_runs_by_weight_and_senders_evenly() -> None:
    everybody = [
        claimant("a1", "big", run="r1"), claimant("a2", "big", run="r1"), claimant("a3", "big", run="r2", run_weight=3),
        claimant("b", "small", tenant_weight=3),
    ]  # fmt: skip
    assert shares(everybody, 64) == {"a1": 2, "a2": 2, "a3": 12, "b": 48}


def test_what_a_small_tenant_does_not_want_is_left_to_the_others() -> None:
    assert shares([claimant("a"), claimant("b", "small", wants=4)], 64) == {"a": 60, "b": 4}


def test_with_more_senders_than_combs_everybody_has_their_turn() -> None:
    parts = shares([claimant(f"w{n}") for n in range(5)], 1)
    rota = Rota(parts, 1, 0)
    turns = [[worker for worker in sorted(parts) if rota.combs_of(worker, frame)] for frame in range(50)]
    assert all(len(turn) == 1 for turn in turns)
    assert all(sum(worker in turn for turn in turns) == 10 for worker in parts)


@settings(deadline=None)
@given(claimants, st.integers(1, 64), st.integers(0, 10_000))
def test_a_rota_gives_each_comb_once_and_everybody_their_share(
    everybody: list[Claimant], combs: int, frame: int
) -> None:
    parts = shares(everybody, combs)
    rota, dealt = Rota(parts, combs, frame), dict.fromkeys(parts, 0)
    for number in range(frame, frame + 8):
        combs_of = {worker: rota.combs_of(worker, number) for worker in parts}
        all_combs = [comb for found in combs_of.values() for comb in found]
        assert len(all_combs) == len(set(all_combs)) <= combs
        for worker, found in combs_of.items():
            dealt[worker] += len(found)
    for worker, part in parts.items():
        assert abs(dealt[worker] - 8 * part) <= len(parts) / 2 + 2


def test_everybody_who_sees_the_same_comes_to_the_same_rota_whenever_they_begin() -> None:
    parts = {"a": 3.4, "b": 3.4, "c": 10.2}
    old, new = Rota(parts, 17, 480), Rota(parts, 17, 700)
    assert old.begins == 480
    early = Rota(parts, 17, 490)
    for frame in range(480, 490):
        old.combs_of("a", frame)
    assert [old.combs_of(w, 490) for w in parts] == [early.combs_of(w, 490) for w in parts]
    assert new.begins == 480
    assert old.is_of(parts, 17, 491)
    assert not old.is_of(parts, 17, 480)
    assert not old.is_of({**parts, "a": 3.0}, 17, 491)


def test_equal_shares_stand_in_an_even_beat_across_frames() -> None:
    rota = Rota(dict.fromkeys("abcde", 17 / 5), 17, 480)
    mine = [frame * 17 + comb for frame in range(480, 500) for comb in rota.combs_of("c", frame)]
    assert {later - earlier for earlier, later in pairwise(mine)} == {5}


@given(
    st.floats(0, 100), st.dictionaries(st.text("abc", max_size=3), st.tuples(st.integers(1, 100), st.floats(0, 100)))
)
def test_filling_gives_nobody_more_than_wished_and_nothing_away(
    total: float, wishes: dict[str, tuple[int, float]]
) -> None:
    parts = fill(total, wishes)
    assert all(parts[name] <= most + 1e-6 for name, (_, most) in wishes.items())
    assert sum(parts.values()) == pytest.approx(min(total, sum(most for _, most in wishes.values())), abs=1e-6)


@given(claimants)
def test_words_are_read_as_they_were_written(everybody: list[Claimant]) -> None:
    assert claimants_of(c.text() for c in everybody) == {c.worker: c for c in everybody}


def test_words_of_another_version_are_passed_over() -> None:
    assert claimants_of(["x", "a.b.c", "a.t.r.b.1.1.x", "a.t.r.b.1.1.1.new"]) == {}
    assert sharing.waits_until("abc") == 0


def test_one_sender_at_a_time_makes_room_and_it_is_of_the_largest_tenant() -> None:
    everybody = [claimant("a", "big"), claimant("b", "big"), claimant("c", "small"), claimant("u", "big", urgent=True)]
    for frame in range(4):
        assert [c.worker for c in everybody if yields(c.worker, everybody, frame)] == ["ab"[frame % 2]]
    assert not yields("u", everybody[3:], 0)


# --- the pacer over the book --------------------------------------------------------------------------------------


class Office:
    """Several processes over one book, in virtual time."""

    def __init__(self, rate: float = 100.0) -> None:
        self.book, self.tallies, self.readings, self.stalls = (
            MemoryRateBook(), MemoryTallies(), MemoryReadings(), MemoryStalls(),
        )  # fmt: skip
        self.rate = rate
        self.io: list[str] = []
        self.book.io = self.io.append

    def pacer(self, name: str, bound: float | None = None) -> SlotPacer:
        bound = self.rate if bound is None else bound
        return SlotPacer(self.book, self.tallies, self.readings, self.stalls, bound, lambda: name)


def a_demand(tenant: str = "t1", run: str = "r1", **more: object) -> Demand:
    return Demand("ses", "account", tenant, run, **more)  # type: ignore[arg-type]


def taken(pacer: SlotPacer, demand: Demand, seconds: float, wanted: int = 25) -> list[float]:
    """The slots that one process gets when it asks again as soon as it has used what it has."""
    got, at = [], NOW
    while at < NOW + timedelta(seconds=seconds):
        lease = pacer.lease(demand, wanted, at)
        got += [at.timestamp() + slot for slot in lease.slots]
        at += timedelta(seconds=(lease.slots[-1] if lease.count else lease.wait) + 1e-5)
    return got


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
