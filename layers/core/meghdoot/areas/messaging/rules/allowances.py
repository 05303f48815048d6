"""What besides the rate binds a sender: the provider's daily quota, a run's limits, and the plan of a new sender's volumes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from meghdoot.areas.messaging.model import Demand, LeaseReason

QUOTA_HOURS = 24
KEPT = timedelta(hours=50)
"""So long a tally is of use to anybody."""

RAMP_PLAN = (50, 100, 500, 1_000, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000)
"""Messages a day of a new sender, from its first day on; then there is no limit. Mailbox providers distrust a domain
that nobody knows and that begins with a flood."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit: what is counted under `key` may not pass it, and when another key takes its place."""

    key: str
    limit: int
    reason: LeaseReason
    until: datetime
    slice: int = 0
    """How many to count at once, if more than are wanted now."""


def of_demand(demand: Demand, now: datetime) -> list[Allowance]:
    """The limits of a run and of its sender, narrowest window first: what was counted for an hour and is then
    forbidden by the day was of no use anyway."""
    hour, day = hour_of(now), now.astimezone(UTC).date()
    next_hour, next_day = hour + timedelta(hours=1), datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1)
    found = []
    if demand.run_id is not None and demand.hourly_limit is not None:
        key = hourly_key(demand.tenant, demand.run_id, now)
        found.append(Allowance(key, demand.hourly_limit, "hourly_limit", next_hour))
    if demand.run_id is not None and demand.daily_limit is not None:
        key = daily_key(demand.tenant, demand.run_id, now)
        found.append(Allowance(key, demand.daily_limit, "daily_limit", next_day))
    volume = None if demand.ramp_started_on is None else ramp_volume(demand.ramp_started_on, day)
    if demand.ramp_identity is not None and volume is not None:
        key = f"{demand.tenant}#RAMP#{demand.ramp_identity}#{day:%Y%m%d}"
        found.append(Allowance(key, volume, "ramp", next_day))
    return found


def hourly_key(tenant: str, run_id: str, now: datetime) -> str:
    """Under which a run's messages of the clock hour (UTC) are counted."""
    return f"{tenant}#LIMIT#{run_id}#{now.astimezone(UTC):%Y%m%d%H}"


def daily_key(tenant: str, run_id: str, now: datetime) -> str:
    """Under which a run's messages of the UTC day are counted."""
    return f"{tenant}#LIMIT#{run_id}#{now.astimezone(UTC):%Y%m%d}"


def quota_keys(line: str, now: datetime) -> list[str]:
    """The hours whose messages may fall into the last 24: the present one, and 24 whole ones before it."""
    hour = hour_of(now)
    return [f"RATE#{line}#Q#{hour - timedelta(hours=back):%Y%m%d%H}" for back in range(QUOTA_HOURS + 1)]


def hour_of(now: datetime) -> datetime:
    """The beginning of the clock hour, in UTC."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def ramp_volume(started_on: date, day: date) -> int | None:
    """Messages that a sender may send on a day of its plan; None when the plan is over. Before its first day: the first."""
    index = max(0, (day - started_on).days)
    return RAMP_PLAN[index] if index < len(RAMP_PLAN) else None
