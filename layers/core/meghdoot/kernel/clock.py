"""The only place that reads the time. Everything else takes `now` or a Clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant in UTC."""

    def now(self) -> datetime:
        """The present instant, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock, moved by a fixed offset (zero but in the local stack, which may live in another year)."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC) + self._offset


@dataclass(slots=True)
class ManualClock:
    """A clock for tests: it stands still until it is told to move."""

    at: datetime = field(default_factory=lambda: datetime(2026, 1, 5, 9, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """The instant at which the clock stands."""
        return self.at

    def advance(self, **delta: float) -> None:
        """Move forward by the keywords of `timedelta`."""
        self.at += timedelta(**delta)


def iso(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`: sorts as text in the order of time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def parse_iso(text: str) -> datetime:
    """Read what `iso` wrote, or any RFC 3339 instant with an offset. Raises ValueError without one."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant needs an offset, such as Z or +06:00")
    return at.astimezone(UTC)
