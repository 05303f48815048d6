"""Every state, every act, and what comes of each pair: the two tables are data, tested as a matrix.

A pair that is not in a table is refused. `DELETED` is no state that is stored: the thing is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from meghdoot.areas.campaigns.model import CampaignStatus, EmailStatus
from meghdoot.kernel.errors import Conflict

DELETED = "deleted"

CAMPAIGN_STATES: tuple[str, ...] = get_args(CampaignStatus)
CAMPAIGN_ACTS = (
    "edit", "amend", "approve", "schedule", "unschedule", "launch", "pause", "resume", "complete", "cancel", "delete",
)  # fmt: skip

EMAIL_STATES: tuple[str, ...] = get_args(EmailStatus)
EMAIL_ACTS = (
    "edit", "approve", "schedule", "unschedule", "launch", "pause", "resume", "finish", "cancel", "delete",
)  # fmt: skip

Table = Mapping[tuple[str, str], str]

# `amend` changes what never reaches a message (budget, dates, goals, notes), so a running campaign allows it.
CAMPAIGN_TABLE: Table = {
    ("draft", "edit"): "draft",
    ("draft", "amend"): "draft",
    ("draft", "approve"): "draft",
    ("draft", "schedule"): "scheduled",
    ("draft", "launch"): "active",
    ("draft", "cancel"): "cancelled",
    ("draft", "delete"): DELETED,
    ("scheduled", "edit"): "scheduled",
    ("scheduled", "amend"): "scheduled",
    ("scheduled", "approve"): "scheduled",
    ("scheduled", "schedule"): "scheduled",
    ("scheduled", "unschedule"): "draft",
    ("scheduled", "launch"): "active",
    ("scheduled", "cancel"): "cancelled",
    ("active", "amend"): "active",
    ("active", "pause"): "paused",
    ("active", "complete"): "completed",
    ("active", "cancel"): "cancelled",
    ("paused", "amend"): "paused",
    ("paused", "resume"): "active",
    ("paused", "complete"): "completed",
    ("paused", "cancel"): "cancelled",
    ("completed", "delete"): DELETED,
    ("cancelled", "delete"): DELETED,
}

EMAIL_TABLE: Table = {
    ("draft", "edit"): "draft",
    ("draft", "approve"): "draft",
    ("draft", "schedule"): "scheduled",
    ("draft", "launch"): "sending",
    ("draft", "cancel"): "cancelled",
    ("draft", "delete"): DELETED,
    ("scheduled", "edit"): "scheduled",
    ("scheduled", "approve"): "scheduled",
    ("scheduled", "schedule"): "scheduled",
    ("scheduled", "unschedule"): "draft",
    ("scheduled", "launch"): "sending",
    ("scheduled", "cancel"): "cancelled",
    ("sending", "pause"): "paused",
    ("sending", "finish"): "sent",
    ("sending", "cancel"): "cancelled",
    ("paused", "resume"): "sending",
    # The last chunk may end in the very second in which somebody pauses.
    ("paused", "finish"): "sent",
    ("paused", "cancel"): "cancelled",
    ("sent", "delete"): DELETED,
    ("cancelled", "delete"): DELETED,
}

_PARTICIPLES = {
    "edit": "edited", "amend": "edited", "approve": "approved", "schedule": "scheduled", "unschedule": "unscheduled",
    "launch": "launched", "pause": "paused", "resume": "resumed", "complete": "completed", "finish": "finished",
    "cancel": "cancelled", "delete": "deleted",
}  # fmt: skip


def refusal_code(act: str) -> str:
    """The stable code of a refused act, such as `campaign_cannot_be_launched`."""
    return f"campaign_cannot_be_{_PARTICIPLES[act]}"


def acts_from(table: Table, state: str) -> tuple[str, ...]:
    """What may be done in a state, in the order of the table."""
    return tuple(act for (at, act) in table if at == state)


def _next(table: Table, state: str, act: str) -> str:
    to = table.get((state, act))
    if to is None:
        allowed = ", ".join(acts_from(table, state)) or "nothing"
        raise Conflict(
            f"a campaign that is {state} cannot be {_PARTICIPLES[act]}",
            code=refusal_code(act),
            hint=f"from {state} it allows: {allowed}",
        )
    return to


def next_campaign_status(state: str, act: str) -> CampaignStatus:
    """The state after an act. Raises Conflict (`campaign_cannot_be_...`) for a pair that the table does not hold."""
    return cast(CampaignStatus, _next(CAMPAIGN_TABLE, state, act))


def next_email_status(state: str, act: str) -> EmailStatus:
    """The same for e-mail campaigns."""
    return cast(EmailStatus, _next(EMAIL_TABLE, state, act))


def table_as_text(table: Table, states: tuple[str, ...], acts: tuple[str, ...]) -> str:
    """A table for the documentation: a row for each state, a column for each act; `-` is refused."""
    lines = ["| state | " + " | ".join(acts) + " |", "|---" * (len(acts) + 1) + "|"]
    for state in states:
        cells = [table.get((state, act), "-") for act in acts]
        lines.append(f"| {state} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
