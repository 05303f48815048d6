"""The exact edges of the rules of messaging, by plain examples: windows, facts, proofs, texts that are stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from meghdoot.areas.consent.model import ConsentEntry, ContactGate
from meghdoot.areas.messaging.model import Chunk, Fact, Recipient, SendRow
from meghdoot.areas.messaging.rules import (
    counted,
    facts,
    fate,
    keys,
    letters,
    proof,
    waves,
)
from meghdoot.areas.messaging.rules.counted import Counted
from meghdoot.areas.messaging.rules.decide import decide
from meghdoot.areas.messaging.rules.reserved import is_reserved
from tests.support.killing import START, TENANT, World

NOW = START
DAY = timedelta(days=1)


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
