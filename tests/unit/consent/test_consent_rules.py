from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.consent import rules
from meghdoot.areas.consent.model import ConsentEntry, ContactGate, Suppression
from meghdoot.kernel.errors import Invalid

NOW = datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)
DRAFT = ConsentEntry(
    "acme", "c1", "email", "marketing", 0, "granted", "v1", "consent", "form", NOW, "203.0.113.9", "Agent", None, "e1"
)
states = st.sampled_from(("granted", "withdrawn", "pending"))


def chain(*wanted: str) -> list[ConsentEntry]:
    entries: list[ConsentEntry] = []
    for state in wanted:
        entries.append(rules.next_entry(entries[-1] if entries else None, replace(DRAFT, state=state)))  # type: ignore[arg-type]
    return entries


@given(st.lists(states, max_size=6))
def test_a_chain_that_nobody_touched_is_whole(wanted: list[str]) -> None:
    assert rules.verify_chain(chain(*wanted))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "withdrawn"}, {"ip": "198.51.100.1"}, {"text_version": "v2"}, {"customer_id": "c2"}, {"tenant": "x"},
        {"at": datetime(2026, 1, 5, 9, 0, 1, tzinfo=UTC)}, {"reason": "r"}, {"evidence": None}, {"source": "s"},
        {"user_agent": ""}, {"basis": "contract"}, {"purpose": "transactional"}, {"channel": "sms"},
        {"previous_hash": "0" * 64}, {"hash": "0" * 64}, {"sequence": 3},
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1])
def test_a_chain_with_any_field_changed_is_broken(change: dict[str, Any], place: int) -> None:
    entries = chain("granted", "granted")
    entries[place] = replace(entries[place], **change)
    assert not rules.verify_chain(entries)


def test_a_chain_with_an_entry_missing_moved_or_rehashed_is_broken() -> None:
    entries = chain("granted", "withdrawn", "granted")
    assert not rules.verify_chain(entries[1:])
    assert not rules.verify_chain([entries[0], entries[2]])
    assert not rules.verify_chain([entries[1], entries[0], entries[2]])
    forged = replace(entries[1], state="granted")
    assert not rules.verify_chain([entries[0], replace(forged, hash=rules.entry_hash(forged)), entries[2]])


def test_instants_are_kept_as_they_are_stored() -> None:
    assert rules.next_entry(None, DRAFT).at.microsecond == 123000


@given(
    st.frozensets(st.sampled_from(("em:m", "em:t", "sm:m"))),
    st.frozensets(st.sampled_from(("em", "sm"))),
    states,
    st.sampled_from(("marketing", "transactional")),
)
def test_only_a_grant_on_an_open_channel_enters_the_gate(
    granted: frozenset[str], suppressed: frozenset[str], state: Any, purpose: Any
) -> None:
    gate = ContactGate("acme", "c1", 7, granted, suppressed)
    after = rules.gate_after(gate, "email", purpose, state)
    code = {"marketing": "em:m", "transactional": "em:t"}[purpose]
    assert (code in after.granted) == (state == "granted" and "em" not in suppressed)
    assert after.granted - {code} == granted - {code}
    assert after.version == 8


def test_a_suppressed_channel_has_no_grant_left_and_others_keep_theirs() -> None:
    gate = ContactGate("acme", "c1", 7, frozenset({"em:m", "em:t", "sm:m"}))
    closed = rules.gate_suppressed(gate, "email")
    assert closed == ContactGate("acme", "c1", 8, frozenset({"sm:m"}), frozenset({"em"}))
    assert rules.gate_lifted(closed, "email") == ContactGate("acme", "c1", 9, frozenset({"sm:m"}))
    assert rules.granted_channels(closed) == ("sms",)


@pytest.mark.parametrize("field", ["text_version", "source"])
@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_grant_needs_its_wording_and_its_source(field: str, value: str | None) -> None:
    with pytest.raises(Invalid) as e:
        rules.check(replace(DRAFT, **{field: value}))  # type: ignore[arg-type]
    assert [error.field for error in e.value.fields] == [field]


def test_a_withdrawal_needs_no_wording() -> None:
    rules.check(replace(DRAFT, state="withdrawn", text_version=None))


def test_every_wrong_field_is_named_at_once() -> None:
    bad: Any = {"channel": "fax", "purpose": "p", "state": "s", "basis": "b"}
    with pytest.raises(Invalid) as e:
        rules.check(replace(DRAFT, **bad, reason="x" * 501, user_agent="a\x00b"))
    assert sorted(error.field for error in e.value.fields) == [
        "basis", "channel", "purpose", "reason", "state", "user_agent",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("head_source", "source", "reason", "repeat"),
    [
        ("one_click", "one_click", None, True),
        ("unsubscribe_page", "unsubscribe_page", "r", True),
        ("unsubscribe_page", "unsubscribe_page", "other", False),
        ("one_click", "unsubscribe_page", None, False),
        ("api", "api", None, False),
    ],
)
def test_only_a_machine_that_says_the_same_again_needs_no_entry(
    head_source: str, source: str, reason: str | None, repeat: bool
) -> None:
    head_reason = "r" if head_source == "unsubscribe_page" else None
    head = rules.next_entry(None, replace(DRAFT, state="withdrawn", source=head_source, reason=head_reason))
    draft = replace(DRAFT, state="withdrawn", source=source, reason=reason)
    assert rules.is_repeat(head, draft) is repeat
    assert not rules.is_repeat(None, draft)
    assert not rules.is_repeat(replace(head, state="granted"), draft)


def test_080_every_suppression_but_that_of_a_dead_address_leaves_a_line() -> None:
    told = Suppression("acme", "k1#aa", "email", "manual", NOW)
    by_hand = rules.withdrawal_of_suppression(told, "c1", "e1")
    assert by_hand is not None
    assert by_hand.kind == "suppression"
    assert rules.withdrawal_of_suppression(replace(told, reason="invalid_address"), "c1", "e1") is None
    line = rules.withdrawal_of_suppression(replace(told, reason="complaint"), "c1", "e1")
    again = rules.withdrawal_of_suppression(replace(told, reason="complaint"), "c1", "e1")
    other = rules.withdrawal_of_suppression(replace(told, reason="complaint"), "c1", "e2")
    assert line is not None
    assert other is not None
    assert (line.kind, line.address_key, line == again, line.id == other.id) == ("complaint", "k1#aa", True, False)
