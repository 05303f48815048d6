"""The exact edges of the rules of messaging, by plain examples: windows, limits, frames, shares, texts that are stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from meghdoot.areas.consent.model import ConsentEntry, ContactGate
from meghdoot.areas.messaging.model import Chunk, Demand, Fact, Recipient, SendRow
from meghdoot.areas.messaging.pacing_model import Stall
from meghdoot.areas.messaging.rules import (
    allowances,
    counted,
    facts,
    fate,
    keys,
    letters,
    pacing,
    pausing,
    proof,
    sharing,
    stalling,
    waves,
)
from meghdoot.areas.messaging.rules.counted import Counted
from meghdoot.areas.messaging.rules.decide import decide
from meghdoot.areas.messaging.rules.reserved import is_reserved
from meghdoot.areas.messaging.rules.sharing import Claimant
from tests.support.killing import START, TENANT, World

NOW = START
DAY = timedelta(days=1)


# --- waves, letters, keys ------------------------------------------------------------------------------


def test_the_times_of_a_turn_leave_room_for_one_another() -> None:
    assert (waves.CALL_SECONDS, waves.WAVE_SECONDS, waves.LEASE_MARGIN_SECONDS) == (12.0, 20.0, 30)
    assert (waves.CLAIM_ROUNDS, waves.GATES_AHEAD, waves.MAX_TROUBLES) == (8, 100, 3)
    delays = (waves.CONFLICT_DELAY_SECONDS, waves.TROUBLE_DELAY_SECONDS, waves.QUOTA_DELAY_SECONDS)
    assert delays == (5, 60, 900)
    assert (waves.SEALED_DELAY_SECONDS, waves.ON_ITS_WAY_SECONDS) == (300, 3600)


@pytest.mark.parametrize(
    ("rate", "people"), [(0.2, 1), (1, 1), (1.9, 1), (2, 2), (24.9, 24), (25, 25), (26, 25), (300, 25)]
)
def test_a_wave_at_a_rate(rate: float, people: int) -> None:
    assert waves.wave_size(rate) == people


@pytest.mark.parametrize(
    ("troubles", "chance", "seconds"),
    [(1, 0.0, 1.0), (1, 0.5, 1.5), (3, 0.0, 4.0), (4, 0.25, 10.0), (5, 0.0, 10.0), (9, 1.0, 20.0)],
)
def test_pauses_after_troubles(troubles: int, chance: float, seconds: float) -> None:
    assert waves.backoff_seconds(troubles, chance) == seconds


def test_a_lease_outlives_its_owner_by_the_margin_even_without_time_left() -> None:
    assert [letters.lease_end(100.9, left) for left in (50.0, 0.0, -5.0)] == [180, 130, 130]


def test_letters_change_by_index_and_parking_is_dated() -> None:
    chunk = Chunk(TENANT, "r1", 0, "..cc", parked_at=5)
    assert letters.with_letters(chunk, {0: "a"}, 9) == replace(chunk, letters="a.cc")
    assert letters.with_letters(chunk, {0: "u", 1: "a"}, 9) == replace(chunk, letters="uacc", parked_at=9)
    assert letters.parked(chunk, 9) == replace(chunk, letters="..uu", parked_at=9)
    assert letters.parked(replace(chunk, letters=".a"), 9).parked_at == 5
    assert letters.indexes("a.a.", "a") == [0, 2]
    assert letters.with_rows("uUca.", range(5)) == "aaca."
    assert (letters.first_letter(None), letters.first_letter("erased")) == (".", "e")


def test_keys_are_what_they_always_were() -> None:
    # Stored keys must stay findable by later code
    key = keys.send_key("r1", "email", "c1")
    assert len(key) == 32
    assert keys.gate_key("00" * 9 + "ff" * 7) == "A" * 12
    assert keys.gate_key("ff" * 9 + "00" * 7) == "_" * 12
    dhaka = datetime(2026, 1, 6, 0, 30, tzinfo=timezone(timedelta(hours=6)))
    assert keys.run_minute(dhaka) == "202601051830"


def test_counted_entries_in_base_36() -> None:
    assert counted.write([Counted("k" * 12, 35, 36), Counted("l" * 12, 0, 1295)]) == f"{'k' * 12}:z:10;{'l' * 12}:0:zz"
    assert counted.parse("") == ()
    with pytest.raises(ValueError):
        counted.parse("k:1")
    horizon = counted.minute_of(NOW - timedelta(days=8))
    assert counted.prune([Counted("a", horizon, 0), Counted("b", horizon - 1, 0)], NOW) == (Counted("a", horizon, 0),)
    week = counted.minute_of(NOW - timedelta(days=7))
    assert counted.in_rolling_week([Counted("a", week, 0), Counted("b", week + 1, 0)], NOW) == 1


@pytest.mark.parametrize(
    ("gate", "person", "capped"), [("Asia/Dhaka", "UTC", False), (None, "Asia/Dhaka", False), (None, None, True)]
)
def test_the_zone_of_a_cap_is_that_of_the_gate_then_of_the_person_then_utc(
    gate: str | None, person: str | None, capped: bool
) -> None:
    # 17:50 in UTC is the day before 18:10 in Dhaka only
    run = replace(World(1).launch(daily_cap=1), stale_after=NOW + 9 * DAY)
    sent = counted.write([Counted("x" * 12, counted.minute_of(datetime(2026, 1, 6, 17, 50, tzinfo=UTC)), 0)])
    found = ContactGate(TENANT, "c1", 1, frozenset({"em:m"}), zone=gate, counted=sent)
    decision = decide(
        Recipient(0, "c1", "c1@x.example", "en", person), found, run, 0, datetime(2026, 1, 6, 18, 10, tzinfo=UTC)
    )
    assert (decision.reason == "capped") is capped


def test_a_run_is_stale_from_its_horizon_on() -> None:
    run, gate = World(1).launch(), ContactGate(TENANT, "c1", 1, frozenset({"em:m"}))
    person = Recipient(0, "c1", "c1@x.example", "en", None)
    assert decide(person, gate, run, 0, run.stale_after).reason == "stale"
    assert decide(person, gate, run, 0, run.stale_after - timedelta(seconds=1)).kind == "claim"


@pytest.mark.parametrize(
    ("address", "reserved"),
    [
        ("a@example.com", True), ("a@x.example.org", True), ("a@EXAMPLE.net.", True), ("a@shop.test", True),
        ("a@x.invalid", True), ("a@localhost", True), ("success@simulator.amazonses.com", True), ("a@notexample.com", False),
        ("a@example.com.bd", False), ("a@gmail.com", False),
    ],
)  # fmt: skip
def test_addresses_that_reach_nobody(address: str, reserved: bool) -> None:
    assert is_reserved(address) is reserved


# --- facts and fates -----------------------------------------------------------------------------------


def a_row(state: str = "delivered", **more: object) -> SendRow:
    row = SendRow(TENANT, "c1", "k", "202601050900", state, "r1", 2, 3, NOW, "ses", "p1", None)  # type: ignore[arg-type]
    return replace(row, **more)  # type: ignore[arg-type]


def test_of_equal_facts_the_earliest_counts() -> None:
    late, early = a_row(at=NOW + DAY, provider_id="late"), a_row(provider_id="early")
    assert facts.highest([late, early]) == facts.highest([early, late]) == [early]
    other = a_row("accepted", send_key="k2")
    assert facts.highest([early, other, a_row("bounced")]) == [a_row("bounced"), other]
    assert len(facts.highest([early, a_row(tenant="t2")])) == 2


def test_of_two_facts_of_one_moment_the_first_stays() -> None:
    one, two = a_row(provider_id="one"), a_row(provider_id="two")
    assert facts.highest([one, two]) == [one]
    assert facts.highest([two, one]) == [two]


@pytest.mark.parametrize(
    ("kind", "subtype", "state"),
    [
        ("complained", "abuse", "complained"),
        ("complained", "not-spam", "delivered"),
        ("bounced", "not-spam", "bounced"),
    ],
)
def test_only_a_complaint_can_be_praise(kind: str, subtype: str, state: str) -> None:
    key = keys.send_key("r1", "email", "c1")
    fact = Fact(
        "ses", kind, NOW, "d", subtype=subtype, tenant=TENANT, run_id="r1", chunk=0, index=0, customer_id="c1",  # type: ignore[arg-type]
        send_key=key, minute="202601050900",
    )  # fmt: skip
    row = facts.row_of(fact, "email")
    assert row is not None
    assert row.state == state


@pytest.mark.parametrize(
    ("kind", "subtype", "reason"),
    [
        ("complained", None, "complaint"), ("complained", "abuse", "complaint"), ("complained", "not-spam", None),
        ("bounced", "hard", "hard_bounce"), ("bounced", "suppressed", "hard_bounce"), ("bounced", "soft", None),
        ("delivered", "hard", None), ("rejected", "hard", None),
    ],
)  # fmt: skip
def test_which_words_close_an_address(kind: str, subtype: str | None, reason: str | None) -> None:
    assert facts.suppression_of(Fact("ses", kind, NOW, "d", subtype=subtype)) == reason  # type: ignore[arg-type]


def test_an_end_is_the_letters_unless_a_called_persons_row_says_more() -> None:
    assert fate.end_of("c", None).state == "calling"
    assert fate.end_of("a", a_row()) == fate.End("delivered", "the_provider_said_delivered")
    assert fate.end_of("u", a_row("bounced", reason="full")) == fate.End("bounced", "full")
    assert fate.end_of("f", a_row()) == fate.End("failed", "the_provider_refused_it")
    assert fate.end_of("e", a_row()) == fate.End("skipped:erased", "erased")
    with pytest.raises(KeyError):
        fate.end_of("?", None)


def test_contradictions_of_rows() -> None:
    assert [fate.is_contradicted(letter, a_row()) for letter in "auUc.fxe"] == [False] * 4 + [True] * 4
    assert not fate.is_contradicted(".", None)
    assert [fate.is_out_of_place(a_row(), 2, n) for n in (3, 4)] == [False, True]
    assert fate.is_out_of_place(a_row(), 1, 3)
    assert not fate.is_out_of_place(None, 1, 3)


def test_a_withdrawal_counts_from_one_wave_before_the_message() -> None:
    def act(number: int, state: str, before: float, purpose: str = "marketing") -> ConsentEntry:
        at = NOW - timedelta(seconds=before)
        return ConsentEntry(
            TENANT, "c1", "email", purpose, number, state, None, "consent", "x", at, None, None, None, None
        )  # type: ignore[arg-type]

    def told(*acts: ConsentEntry) -> bool:
        return fate.was_withdrawn(acts, "email", "marketing", NOW)

    assert told(act(1, "withdrawn", 20))
    assert not told(act(1, "withdrawn", 19.9))
    assert not told(act(1, "withdrawn", 90, "transactional"))
    assert not told(act(2, "granted", 30), act(1, "withdrawn", 40))
    assert told(act(2, "withdrawn", 30), act(1, "granted", 40))
    assert not told()


# --- proofs --------------------------------------------------------------------------------------------


def test_what_is_kept_for_ever_is_hashed_as_it_always_was() -> None:
    assert proof.mail_hash(b"mail") == "ANjT8Rc50vNTcJmYK0Z0wg"
    row = a_row(mail_hash="m", mailed_at=7)
    assert proof.evidence_hash(row) == "eb2cbc5d8e5cbda0466e8d14f612f3043bb6f71cbe80c467eb501ae200b2b4f6"
    assert proof.evidence_hash(a_row("complained", mail_hash="m", mailed_at=7)) == proof.evidence_hash(row)
    changes = ({"provider": "x"}, {"provider_id": "p2"}, {"mail_hash": "n"}, {"mailed_at": 8}, {"provider_id": None})
    assert len({proof.evidence_hash(replace(row, **change)) for change in changes}) == 5  # type: ignore[arg-type]
    chunk = Chunk(TENANT, "r1", 4, "ab")
    assert (
        proof.chunk_digest(chunk, "audience", {10: "x", 2: "y"})
        == "fc4d13ec0183e7bfc8891055bf72db09340c45f138b8873ebd4928b1ad33ac08"
    )
    assert (
        proof.chunk_digest(chunk, "audience", {2: "y", 10: "x"})
        == "fc4d13ec0183e7bfc8891055bf72db09340c45f138b8873ebd4928b1ad33ac08"
    )


@pytest.mark.parametrize(
    ("text", "fits"),
    [("k-1_A", True), ("k" * 64, True), ("k" * 65, False), ("", False), ("k.1", False), ("k\n", False)],
)
def test_what_a_tag_can_hold(text: str, fits: bool) -> None:
    assert proof.fits_a_tag(text) is fits


@pytest.mark.parametrize(("text", "final"), [("afxUe", True), (".", False), ("aac", False), ("au", False), ("", True)])
def test_letters_that_can_change_no_more(text: str, final: bool) -> None:
    assert proof.is_final(text) is final


@pytest.mark.parametrize(
    ("people", "size", "text"), [([], 0, ""), ([0], 1, "AQ"), ([7], 8, "gA"), ([8], 9, "AAE"), ([0, 9], 16, "AQI")]
)
def test_bits_of_people(people: list[int], size: int, text: str) -> None:
    assert proof.bits(people, size) == text
    assert proof.indexes(text) == people
    with pytest.raises(ValueError):
        proof.indexes("A")
    with pytest.raises(ValueError):
        proof.indexes("AR")


# --- stalls and pauses ---------------------------------------------------------------------------------


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


# --- allowances ----------------------------------------------------------------------------------------

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


# --- frames and shares ---------------------------------------------------------------------------------


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
