"""The tables of states: every pair is looked at, none is left to chance."""

from __future__ import annotations

from itertools import product

import pytest

from meghdoot.areas.campaigns.transitions import (
    CAMPAIGN_ACTS,
    CAMPAIGN_STATES,
    CAMPAIGN_TABLE,
    DELETED,
    EMAIL_ACTS,
    EMAIL_STATES,
    EMAIL_TABLE,
    next_campaign_status,
    next_email_status,
    refusal_code,
    table_as_text,
)
from meghdoot.kernel.errors import Conflict

# Written out a second time on purpose: which acts each state allows, and where they lead.
CAMPAIGN = {
    "draft": {"edit": "draft", "amend": "draft", "approve": "draft", "schedule": "scheduled", "launch": "active",
              "cancel": "cancelled", "delete": DELETED},
    "scheduled": {"edit": "scheduled", "amend": "scheduled", "approve": "scheduled", "schedule": "scheduled",
                  "unschedule": "draft", "launch": "active", "cancel": "cancelled"},
    "active": {"amend": "active", "pause": "paused", "complete": "completed", "cancel": "cancelled"},
    "paused": {"amend": "paused", "resume": "active", "complete": "completed", "cancel": "cancelled"},
    "completed": {"delete": DELETED},
    "cancelled": {"delete": DELETED},
}  # fmt: skip
EMAIL = {
    "draft": {"edit": "draft", "approve": "draft", "schedule": "scheduled", "launch": "sending",
              "cancel": "cancelled", "delete": DELETED},
    "scheduled": {"edit": "scheduled", "approve": "scheduled", "schedule": "scheduled", "unschedule": "draft",
                  "launch": "sending", "cancel": "cancelled"},
    "sending": {"pause": "paused", "finish": "sent", "cancel": "cancelled"},
    "paused": {"resume": "sending", "finish": "sent", "cancel": "cancelled"},
    "sent": {"delete": DELETED},
    "cancelled": {"delete": DELETED},
}  # fmt: skip


@pytest.mark.parametrize(("state", "act"), list(product(CAMPAIGN_STATES, CAMPAIGN_ACTS)))
def test_012_every_pair_of_a_campaign_leads_where_the_matrix_says_or_is_refused(state: str, act: str) -> None:
    expected = CAMPAIGN[state].get(act)
    if expected is None:
        with pytest.raises(Conflict) as e:
            next_campaign_status(state, act)
        assert e.value.code == refusal_code(act)
    else:
        assert next_campaign_status(state, act) == expected


@pytest.mark.parametrize(("state", "act"), list(product(EMAIL_STATES, EMAIL_ACTS)))
def test_012_every_pair_of_an_email_leads_where_the_matrix_says_or_is_refused(state: str, act: str) -> None:
    expected = EMAIL[state].get(act)
    if expected is None:
        with pytest.raises(Conflict) as e:
            next_email_status(state, act)
        assert e.value.code == refusal_code(act)
    else:
        assert next_email_status(state, act) == expected


def test_a_launch_is_possible_from_draft_and_scheduled_only() -> None:
    assert {s for (s, act) in CAMPAIGN_TABLE if act == "launch"} == {"draft", "scheduled"}
    assert {s for (s, act) in EMAIL_TABLE if act == "launch"} == {"draft", "scheduled"}
    with pytest.raises(Conflict) as e:
        next_campaign_status("cancelled", "launch")
    assert e.value.code == "campaign_cannot_be_launched"


def test_the_tables_speak_only_of_known_states_and_acts() -> None:
    for table, states, acts in (
        (CAMPAIGN_TABLE, CAMPAIGN_STATES, CAMPAIGN_ACTS),
        (EMAIL_TABLE, EMAIL_STATES, EMAIL_ACTS),
    ):
        assert {s for s, _ in table} <= set(states)
        assert {a for _, a in table} <= set(acts)
        assert set(table.values()) <= {*states, DELETED}


def test_nothing_leads_out_of_an_ended_state_but_deletion() -> None:
    for table, ended in ((CAMPAIGN_TABLE, ("completed", "cancelled")), (EMAIL_TABLE, ("sent", "cancelled"))):
        assert {to for (s, _), to in table.items() if s in ended} == {DELETED}


def test_a_table_is_printed_with_a_row_for_each_state() -> None:
    text = table_as_text(EMAIL_TABLE, EMAIL_STATES, EMAIL_ACTS)
    assert len(text.splitlines()) == 2 + len(EMAIL_STATES)
    assert "| sent | - | - | - | - | - | - | - | - | - | deleted |" in text
