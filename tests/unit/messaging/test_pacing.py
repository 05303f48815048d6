"""Slots of the granted rate: frames, combs and shares; no second holds more calls than granted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meghdoot.areas.messaging.rules import sharing
from meghdoot.areas.messaging.rules.pacing import FILL, LATE_SECONDS, choose, grid_of
from meghdoot.areas.messaging.rules.sharing import Claimant, Rota, claimants_of, fill, shares, yields
from tests.support.slots import most_in_a_second

RATES = [1, 2, 5, 14, 50, 100, 278, 5000]


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
