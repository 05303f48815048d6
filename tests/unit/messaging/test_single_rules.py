"""What a single message needs next, for any row at any time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.consent.model import Purpose
from meghdoot.areas.messaging.model import RANKS, Outcome
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.model import Single, SingleClass, SingleRow

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WINDOWS = rules.Windows()
CLASSES: tuple[tuple[Purpose, SingleClass], ...] = (
    ("marketing", "default"), ("transactional", "default"), ("transactional", "otp"),
)  # fmt: skip
minutes = st.integers(0, 6000)
words = st.one_of(st.none(), minutes)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def single(purpose: Purpose, kind: SingleClass) -> Single:
    promise = rules.policy(purpose, kind, WINDOWS)
    return Single(
        "t", "m", "f", "c", "tpl", 1, "c1", "email", purpose, kind, "en", START, START + promise.stale, address="a@x.example"
    )  # fmt: skip


rows = st.builds(
    SingleRow,
    state=st.sampled_from(("pending", "calling", "unknown", "accepted", "delivered", "failed", "skipped")),
    at=st.just(START),
    token=st.just("tok"),
    attempt=st.integers(1, 5),
    doubts=st.integers(0, 4),
    lease_until=minutes.map(lambda m: int(at(m).timestamp())),
    parked_at=minutes.map(lambda m: int(at(m).timestamp())),
    not_before=minutes.map(lambda m: int(at(m).timestamp())),
    settled=st.booleans(),
)


@given(st.sampled_from(CLASSES), rows, minutes, words)
def test_nobody_is_called_whom_the_promise_forbids(
    class_: tuple[Purpose, SingleClass], row: SingleRow, minute: int, heard: int | None
) -> None:
    message, promise, now = single(*class_), rules.policy(*class_, WINDOWS), at(minute)
    step = rules.next_step(message, row, promise, now, None if heard is None else at(heard))
    over = row.settled or row.rank >= RANKS["accepted"]
    if over:
        assert step.kind == "done"
    if step.kind != "call":
        return
    assert now < message.stale_after
    assert row.state != "calling", "whose owner may be alive"
    if row.state == "pending":
        assert row.not_before <= now.timestamp()
        return
    # A call of which nobody knows: by class, after its window, and only where silence means something
    assert class_[0] == "transactional"
    assert row.doubts < promise.calls
    if class_[1] == "default":
        assert now.timestamp() >= row.parked_at + 15 * 60
        assert heard is not None
        assert at(heard).timestamp() >= row.parked_at + 15 * 60


@given(st.sampled_from(CLASSES), rows, minutes, words)
def test_whoever_waits_is_told_until_when_and_that_lies_ahead(
    class_: tuple[Purpose, SingleClass], row: SingleRow, minute: int, heard: int | None
) -> None:
    now = at(minute)
    step = rules.next_step(
        single(*class_), row, rules.policy(*class_, WINDOWS), now, None if heard is None else at(heard)
    )
    assert (step.kind == "wait") == (step.until is not None)
    if step.until is not None:
        assert step.until > now


@pytest.mark.parametrize("class_", CLASSES)
def test_after_the_last_day_nothing_is_left_to_do_whatever_was_heard(class_: tuple[Purpose, SingleClass]) -> None:
    message, promise = single(*class_), rules.policy(*class_, WINDOWS)
    late = message.stale_after + promise.window + timedelta(minutes=1)
    parked = replace(SingleRow("unknown", START), doubts=1, parked_at=int(START.timestamp()))
    assert rules.next_step(message, parked, promise, late, None).kind == "settle"
    assert rules.next_step(message, None, promise, late, None).kind == "stale"


@given(st.integers(0, 40), st.floats(0, 0.999), st.one_of(st.none(), st.floats(0, 5000)))
def test_pauses_grow_and_end_at_a_quarter_of_an_hour(tries: int, chance: float, wanted: float | None) -> None:
    pause = rules.backoff_seconds(tries, chance, wanted)
    assert 0.5 <= pause <= 900
    assert pause >= min(900.0, wanted or 0.0)
    assert rules.backoff_seconds(tries + 1, chance) >= rules.backoff_seconds(tries, chance) * 0.99


@given(
    rows.filter(lambda row: row.state == "calling"),
    st.sampled_from(("accepted", "retry", "refused", "stop", "ambiguous")),
)
def test_what_may_have_arrived_is_accepted_or_unknown_or_tried_again_but_never_failed(
    row: SingleRow, kind: str
) -> None:
    told = rules.after(row, Outcome(kind), START, 0.5)  # type: ignore[arg-type]
    if row.doubts:
        assert told.state in ("accepted", "unknown", "pending")
    assert told.token == row.token
    assert (told.doubts == row.doubts + 1) == (kind == "ambiguous")


def test_the_windows_are_settings() -> None:
    windows = rules.Windows(marketing=timedelta(hours=2), transactional=timedelta(minutes=3))
    assert rules.policy("marketing", "default", windows).window == timedelta(hours=2)
    assert rules.policy("transactional", "default", windows).window == timedelta(minutes=3)
