"""The kernel's promises, by property where one can be stated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.kernel import assign, clock, ids, money, tokens
from meghdoot.kernel.errors import AppError, Invalid
from meghdoot.kernel.i18n import ascii_digits, has_forbidden_characters, zone_exists
from meghdoot.kernel.keyring import Keyring

RING = Keyring({"k1": b"a" * 32, "k2": b"b" * 32}, "k2")


def test_ids_sort_in_the_order_of_time_and_carry_version_7() -> None:
    at = clock.ManualClock()
    made = []
    source = ids.SystemIds(at, lambda n: b"\xff" * n)
    for _ in range(5):
        made.append(source.new())
        at.advance(milliseconds=1)
    assert made == sorted(made)
    assert all(ids.is_uuid(i) and i[14] == "7" and i[19] in "89ab" for i in made)


def test_parts_of_a_digest_cannot_run_into_each_other() -> None:
    assert ids.digest("ab", "c") != ids.digest("a", "bc")


@given(st.binary(max_size=200))
def test_a_token_opens_for_its_own_purpose_only(payload: bytes) -> None:
    token = tokens.seal(RING, "click", payload)
    assert tokens.unseal(RING, "click", token) == payload
    assert tokens.unseal(RING, "unsubscribe", token) is None


@given(st.binary(min_size=1, max_size=60), st.data())
def test_109_no_changed_token_opens(payload: bytes, data: st.DataObject) -> None:
    token = tokens.seal(RING, "click", payload)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != token[at]))
    assert tokens.unseal(RING, "click", token[:at] + other + token[at + 1 :]) is None
    assert tokens.unseal(RING, "click", token[:at]) is None


def test_112_a_token_of_an_older_key_still_opens() -> None:
    old = tokens.seal(Keyring({"k1": b"a" * 32}, "k1"), "unsubscribe", b"x")
    assert tokens.unseal(RING, "unsubscribe", old) == b"x"


@pytest.mark.parametrize("text", ["0.305", "NaN", "Infinity", "1e400", "x", "12345678901234567"])
def test_014_amounts_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        money.Money.of(text, "BDT")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["BDT", "JPY", "KWD"]))
def test_money_survives_its_decimal_form(minor: int, currency: str) -> None:
    m = money.Money(minor, currency)
    assert money.Money.of(m.decimal(), currency) == m


def test_rates_are_rounded_half_up_and_zero_over_nothing() -> None:
    assert money.ratio(1, 8, 2) == 0.13
    assert money.ratio(5, 0) == 0.0
    assert Decimal(str(money.ratio(2, 3))) == Decimal("0.6667")


def test_instants_sort_as_text_and_come_back() -> None:
    at = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    assert clock.parse_iso(clock.iso(at)) == at
    assert clock.iso(at) < clock.iso(at + timedelta(milliseconds=1))
    with pytest.raises(ValueError):
        clock.parse_iso("2026-02-03T04:05:06")


def test_buckets_are_stable_and_even() -> None:
    assert assign.bucket("run", "c1", 100) == assign.bucket("run", "c1", 100)
    counts = [0] * 10
    for n in range(5000):
        counts[assign.bucket("s", str(n), 10)] += 1
    assert min(counts) > 400


def test_005_hidden_and_broken_characters_are_seen() -> None:
    assert has_forbidden_characters("a\x00b")
    assert has_forbidden_characters("\ud800")
    assert has_forbidden_characters("a\u202eb")
    assert not has_forbidden_characters("ক্‍ষ 🌙 line\nnext")


def test_017_bangla_digits_are_digits() -> None:
    assert ascii_digits("০১৭১২৩৪৫৬৭৮") == "01712345678"


def test_zones_are_names_of_the_iana_list() -> None:
    assert zone_exists("Asia/Dhaka")
    assert not zone_exists("Mars/Base")
    assert not zone_exists("../etc/passwd")


def test_errors_have_stable_codes_and_statuses() -> None:
    statuses = {c.__name__: c.status for c in AppError.__subclasses__()}
    assert statuses["Invalid"] == 422
    assert statuses["NotFound"] == 404
    error = Invalid.field("budget", "negative", "must not be negative")
    assert error.fields[0].field == "budget"
