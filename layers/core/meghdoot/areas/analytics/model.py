"""What a report says, in the mission's own shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from meghdoot.kernel.money import Money

ATTRIBUTION_RULE = "last_touch:click_then_delivery"


@dataclass(frozen=True, slots=True)
class Accounting:
    """Every person of a run in exactly one state: `sum(people.values()) == audience`, at every instant.

    Keys are the states and `skipped:<reason>`; states with nobody in them are left out.
    """

    audience: int
    people: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Conversions:
    """Purchases within the window after a click, else after a delivery; each purchase goes to its last touch."""

    count: int
    customers: int
    revenue: Money
    as_of: datetime
    rule: str = ATTRIBUTION_RULE


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """Unique people who followed one link."""

    url: str
    clicks: int


@dataclass(frozen=True, slots=True)
class Engagement:
    """Unique people; machine opens and scanner clicks are apart and never in the headline."""

    opened: int
    clicked: int
    unsubscribed: int
    machine_opened: int
    machine_clicked: int


WHOLE_TENANT = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What one record of the activity stream means for one sum. `sequence` is text padded to 40 digits."""

    tenant: str
    run_id: str
    """`WHOLE_TENANT` for the sums of all runs by hour."""
    day: str
    """UTC day of the change as `YYYYMMDD`, or its hour as `YYYYMMDDHH`: a redelivered record falls into the same one."""
    sequence: str
    deltas: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CounterKey:
    """One counter: only the reader of this shard of this stream writes it."""

    tenant: str
    run_id: str
    day: str
    stream: str
    shard: str


@dataclass(frozen=True, slots=True)
class Counter:
    """Sums of all records up to and including `last_sequence`."""

    last_sequence: str
    sums: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CampaignFiguresRecord:
    """The last report of a campaign, in short, for lists. `id` is the campaign's."""

    tenant: str
    id: str
    reach: int
    conversions: int
    revenue: Money
    updated_at: datetime
    version: int = 1
