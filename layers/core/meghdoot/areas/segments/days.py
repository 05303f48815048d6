"""Calendar days in a zone, as ordinals (1 January of year 1 is day 1), and the instants where they begin.

SQL compares instants and the predicate compares days; both are right only if a day is exactly the instants between
two beginnings. `day_of` therefore asks the same `day_start` (zones exist whose clock goes back over midnight).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_DAY = date(9998, 12, 31).toordinal()


def parse_day(text: object) -> int | None:
    """The ordinal of a day written as YYYY-MM-DD, or None for anything else (also for a day that does not exist)."""
    if not isinstance(text, str) or not _ISO_DAY.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text).toordinal()
    except ValueError:
        return None
    return day if day <= MAX_DAY else None


def write_day(day: int) -> str:
    """YYYY-MM-DD."""
    return date.fromordinal(day).isoformat()


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970, rounded down: the precision of stored instants."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def instant(ms: int) -> datetime:
    """The instant of so many milliseconds since 1970, in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


@lru_cache(maxsize=4096)
def day_start(day: int, zone: str) -> int:
    """Milliseconds since 1970 at which the day begins. Where midnight does not exist, the first instant after the gap."""
    midnight = datetime.combine(date.fromordinal(day), time(0), ZoneInfo(zone))
    return milliseconds(midnight.astimezone(UTC))


def day_of(ms: int, zone: str) -> int:
    """The day in which an instant lies: the last one that has begun by then."""
    local = instant(ms).astimezone(ZoneInfo(zone)).date().toordinal()
    if ms < day_start(local, zone):
        return local - 1
    return local + 1 if ms >= day_start(local + 1, zone) else local


def years_before(day: int, years: int) -> int:
    """The same date so many years ago; 28 February where the 29th does not exist."""
    at = date.fromordinal(day)
    year = max(1, at.year - years)
    try:
        return at.replace(year=year).toordinal()
    except ValueError:
        return at.replace(year=year, day=28).toordinal()
