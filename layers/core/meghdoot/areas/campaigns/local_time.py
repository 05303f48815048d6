"""Local times to instants: a time that does not exist, and a time that exists twice, both have one answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def to_instant(local: datetime, zone: str) -> datetime:
    """The UTC instant of a wall-clock time (naive) in an IANA zone.

    In a gap: the first instant after it. In a fold: the first of the two, so that a launch fires once.
    """
    tz = ZoneInfo(zone)
    first = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if first.astimezone(tz).replace(tzinfo=None) == local:
        return first
    # In a gap fold=1 is read with the offset after it, which gives an instant before the change; fold=0 one after.
    return _first_after_change(local.replace(tzinfo=tz, fold=1).astimezone(UTC), first, tz)


def _first_after_change(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """The second in which the offset changes between two instants, by bisection."""
    old = before.astimezone(tz).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(tz).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
