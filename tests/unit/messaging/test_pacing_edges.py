"""The exact edges of the rules of pacing, by plain examples: stalls, pauses, allowances, frames, shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from meghdoot.areas.messaging.model import Demand
from meghdoot.areas.messaging.pacing_model import Stall
from meghdoot.areas.messaging.rules import (
    allowances,
    pacing,
    pausing,
    sharing,
    stalling,
)
from meghdoot.areas.messaging.rules.sharing import Claimant
from tests.support.killing import START

NOW = START
DAY = timedelta(days=1)


def test_a_stall_lives_three_minutes_longer_than_it_said_and_is_told_after_three() -> None:
    stall = Stall("quota", NOW, NOW + timedelta(minutes=1))
    edge = stall.until + timedelta(minutes=3)
    late = edge + timedelta(seconds=1)
    assert [stalling.is_live(stall, at) for at in (edge, late)] == [True, False]
    assert stalling.continues(stall, "quota", edge)
    assert not stalling.continues(stall, "quota", late)
    assert not stalling.continues(stall, "ramp", edge)
    told = [stalling.is_told(stall, NOW + timedelta(seconds=seconds)) for seconds in (179, 180, 240, 241)]
    assert told == [False, True, True, False]


def test_reasons_of_pauses_are_sentences() -> None:
    words = pausing.SENTENCES
    assert pausing.pause_words(None, "en") is None
    assert pausing.pause_words("run_failed:States.Timeout", "en") == words["run_failed"]["en"]
    assert pausing.pause_words("MessageRejected", "bn") == words["MessageRejected"]["bn"]
    for unknown in ("SomethingException", "sdk:x"):
        assert pausing.pause_words(unknown, "en") == words["provider_refuses"]["en"]
    for own in ("lunch", "Back soon", "stopped by hand"):
        assert pausing.pause_words(own, "en") == own


AT = datetime(2026, 3, 31, 23, 59, 59, 5, tzinfo=UTC)


def test_limits_of_a_run_and_of_a_new_sender() -> None:
    demand = Demand(
        "ses",
        "account",
        "t1",
        "r1",
        hourly_limit=5,
        daily_limit=9,
        ramp_identity="@x.example",
        ramp_started_on=date(2026, 3, 30),
    )
    hourly, daily, ramp = allowances.of_demand(demand, AT)
    midnight = datetime(2026, 4, 1, tzinfo=UTC)
    assert (hourly.key, hourly.limit, hourly.reason, hourly.until) == (
        "t1#LIMIT#r1#2026033123",
        5,
        "hourly_limit",
        midnight,
    )
    assert (daily.key, daily.limit, daily.reason, daily.until) == ("t1#LIMIT#r1#20260331", 9, "daily_limit", midnight)
    assert (ramp.key, ramp.limit, ramp.reason, ramp.until) == ("t1#RAMP#@x.example#20260331", 100, "ramp", midnight)
    assert allowances.of_demand(replace(demand, run_id=None, ramp_identity=None), AT) == []
    assert allowances.of_demand(Demand("ses", "account", "t1", "r1"), AT) == []
    assert [a.reason for a in allowances.of_demand(replace(demand, hourly_limit=None), AT)] == ["daily_limit", "ramp"]
    assert [a.reason for a in allowances.of_demand(replace(demand, daily_limit=None), AT)] == ["hourly_limit", "ramp"]
    # Other zones of the clock change nothing
    assert allowances.of_demand(demand, AT.astimezone(timezone(timedelta(hours=6)))) == [hourly, daily, ramp]
    assert allowances.hour_of(AT - timedelta(hours=6)) == datetime(2026, 3, 31, 17, tzinfo=UTC)


def test_the_plan_of_a_new_sender_is_over_after_ten_days() -> None:
    plan = [allowances.ramp_volume(date(2026, 3, 30), date(2026, 3, 30) + n * DAY) for n in range(-1, 11)]
    assert plan == [50, 50, 100, 500, 1_000, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000, None]


def test_the_quota_looks_at_this_hour_and_24_whole_ones_before_it() -> None:
    found = allowances.quota_keys("ses#account", AT)
    assert len(found) == 25
    assert (found[0], found[1], found[-1]) == (
        "RATE#ses#account#Q#2026033123", "RATE#ses#account#Q#2026033122", "RATE#ses#account#Q#2026033023",
    )  # fmt: skip
    assert timedelta(hours=50) == allowances.KEPT


@pytest.mark.parametrize(
    ("rate", "whole", "spacing", "combs", "teeth"),
    [
        (0.5, 0.5, 2_020_202_021, 1, 1), (1, 1.0, 1_010_101_011, 1, 1), (5.9, 5.0, 202_020_203, 3, 1),
        (50, 50.0, 20_202_021, 35, 1), (100, 100.0, 10_101_011, 34, 2), (300, 300.0, 3_367_004, 52, 4),
    ],
)  # fmt: skip
def test_the_grid_of_a_rate(rate: float, whole: float, spacing: int, combs: int, teeth: int) -> None:
    grid = pacing.grid_of(rate)
    assert (grid.rate, grid.spacing, grid.combs, grid.teeth) == (whole, spacing, combs, teeth)
    assert grid.length == spacing * combs * teeth
    assert grid.seconds == pytest.approx(grid.length / 1e9)
    assert grid.begins(7) == 7 * grid.length
    assert [grid.frame_at(at) for at in (grid.begins(7) - 1, grid.begins(7))] == [6, 7]


def test_slots_of_combs_in_their_order() -> None:
    grid = pacing.Grid(10.0, 100, 3, 2)
    assert grid.slots(0, [2, 0]) == [0, 200, 300, 500]
    assert grid.slots(2, [1]) == [1_300, 1_600]
    assert pacing.nanoseconds(1.0000014) == 1_000_001_000
    assert (pacing.FILL, pacing.LATE_SECONDS, pacing.FRAME_SECONDS, pacing.FIRST_RATE) == (0.99, 0.008, 0.7, 1.0)


@pytest.mark.parametrize(
    ("wanted", "mine", "free", "chosen"),
    [
        (2, (), range(8), [0, 4]), (3, (1,), range(8), [1, 3, 5]), (0, (), range(8), []), (-1, (0,), range(8), []),
        (9, (), range(8), list(range(8))), (2, (1, 5), (0, 5), [0, 5]), (1, (1, 3), range(8), [1]), (4, (), (0, 1, 6, 7), [0, 1, 6, 7]),
    ],
)  # fmt: skip
def test_combs_that_are_chosen(wanted: int, mine: tuple[int, ...], free: object, chosen: list[int]) -> None:
    assert pacing.choose(wanted, mine, list(free), 8) == chosen  # type: ignore[call-overload]


def claimant(worker: str, tenant: str = "t", run: str = "r", **more: object) -> Claimant:
    return replace(Claimant(worker, tenant, run, False, 1, 1, 64), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("everybody", "combs", "shares"),
    [
        ([claimant("a")], 10, {"a": 10}),
        ([claimant("a"), claimant("b", "u")], 10, {"a": 5, "b": 5}),
        ([claimant("a", tenant_weight=3), claimant("b", "u")], 12, {"a": 9, "b": 3}),
        ([claimant("a", run_weight=2), claimant("b", run="s")], 12, {"a": 8, "b": 4}),
        ([claimant("a", wants=2), claimant("b", "u", wants=3)], 10, {"a": 4.5, "b": 5.5}),
        ([claimant("a", wants=1), claimant("b", "u")], 10, {"a": 1, "b": 9}),
        ([claimant("a", urgent=True, wants=2), claimant("b", "u")], 16, {"a": 2, "b": 12}),
        ([claimant("a", urgent=True, wants=99), claimant("b", "u")], 16, {"a": 16, "b": 0}),
        ([claimant("a", urgent=True, wants=1), claimant("b", "u")], 4, {"a": 1, "b": 2}),
        ([], 10, {}),
    ],
)
def test_shares_of_a_frame(everybody: list[Claimant], combs: int, shares: dict[str, int]) -> None:
    assert sharing.shares(everybody, combs) == pytest.approx(shares)


@pytest.mark.parametrize(("workers", "combs"), [("abc", 4), ("abcde", 2), ("ab", 7), ("a", 3)])
def test_a_rota_deals_every_comb_once_and_everybody_their_share(workers: str, combs: int) -> None:
    parts = {name: combs / len(workers) for name in workers}
    rota = sharing.Rota(parts, combs, 0)
    dealt = dict.fromkeys(workers, 0)
    for frame in range(3 * len(workers)):
        combs_of = {name: rota.combs_of(name, frame) for name in workers}
        assert sorted(comb for mine in combs_of.values() for comb in mine) == list(range(combs))
        for name, mine in combs_of.items():
            dealt[name] += len(mine)
    assert dealt == dict.fromkeys(workers, 3 * combs)
    assert rota.is_of(parts, combs, 3 * len(workers))
    assert not rota.is_of(parts, combs + 1, 3 * len(workers))
    assert not rota.is_of({**parts, "z": 0.0}, combs, 3 * len(workers))


def test_words_of_waiting_tenants_last_for_two_to_four_minutes() -> None:
    word = sharing.waiting_word("t1", 1_000)
    assert word == f"{sharing.digest('t1')}.1200"
    assert (sharing.waiting_tenant(word), sharing.waits_until(word)) == (sharing.digest("t1"), 1_200)
    assert sharing.waiting_word("t1", 959) == f"{sharing.digest('t1')}.1080"
    assert sharing.waits_until("x.soon") == 0
    assert (len(sharing.digest("t1")), sharing.ROOM_PART, sharing.MOST_WEIGHT) == (8, 8, 100)
    assert sharing.claimant_of("w.t.r.u.0.0.3") == Claimant("w", "t", "r", True, 1, 1, 3)
    assert sharing.claimant_of("w.t.r.b.2.3.4.5") is None
    assert sharing.claimant_of("w.t.r.b.x.3.4") is None
    assert not sharing.yields("a", [], 0)
    two = [claimant("a", "big"), claimant("b", "big"), claimant("c", "small")]
    assert [[sharing.yields(c.worker, two, frame) for c in two] for frame in (0, 1)] == [
        [True, False, False],
        [False, True, False],
    ]
