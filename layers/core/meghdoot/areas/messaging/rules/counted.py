"""Counted keys: the text in a contact gate that says which messages count against a person's caps.

An entry is `key:minute:chunk`: 12 characters of the send key, the minute of the claim since 1970 and the number of the
chunk that claimed, both in base 36. Entries are joined by `;`, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HORIZON = timedelta(days=8)
"""An entry is never dropped younger than this: four days in a queue and the time to redrive what went wrong."""
MAX_ENTRIES = 37
"""With 24 bytes an entry the gate stays within one write unit."""
WEEK = timedelta(days=7)

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Counted:
    """One message that counts: its key in the gate's form, the minute of its claim, the chunk that owns it."""

    key: str
    minute: int
    chunk: int


def minute_of(at: datetime) -> int:
    """Whole minutes since 1970."""
    return int(at.timestamp()) // 60


def parse(text: str) -> tuple[Counted, ...]:
    """Entries of a gate. Raises ValueError for a text that `write` did not make."""
    entries = []
    for part in filter(None, text.split(";")):
        key, minute, chunk = part.split(":")
        entries.append(Counted(key, int(minute, 36), int(chunk, 36)))
    return tuple(entries)


def write(entries: Iterable[Counted]) -> str:
    """The text of entries."""
    return ";".join(f"{e.key}:{_base36(e.minute)}:{_base36(e.chunk)}" for e in entries)


def prune(entries: Iterable[Counted], now: datetime) -> tuple[Counted, ...]:
    """Without what is older than the horizon, which is longer than every window."""
    oldest = minute_of(now - HORIZON)
    return tuple(e for e in entries if e.minute >= oldest)


def on_local_day(entries: Iterable[Counted], now: datetime, zone: str) -> int:
    """How many were claimed on the calendar day that `now` has in the zone."""
    tz = ZoneInfo(zone)
    today = now.astimezone(tz).date()
    return sum(datetime.fromtimestamp(e.minute * 60, UTC).astimezone(tz).date() == today for e in entries)


def in_rolling_week(entries: Iterable[Counted], now: datetime) -> int:
    """How many were claimed within the 7 days before `now`; exactly 7 days ago is outside, to the minute."""
    return sum(e.minute > minute_of(now - WEEK) for e in entries)


def _base36(value: int) -> str:
    digits = ""
    while True:
        value, rest = divmod(value, 36)
        digits = _DIGITS[rest] + digits
        if value == 0:
            return digits
