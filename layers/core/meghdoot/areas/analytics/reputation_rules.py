"""How well a tenant's mail is received, and from where on it may not go on: before the provider acts on the whole account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from meghdoot.areas.analytics.counting import total
from meghdoot.kernel.i18n import Language

WINDOW = timedelta(hours=24)
DAYS_SHOWN = 14
Hours = Mapping[str, Mapping[str, int]]
"""Sums by UTC hour, `YYYYMMDDHH`: `delivered`, `bounced` (hard), `soft_bounced`, `complained`."""
RateCause = Literal["bounce_rate", "complaint_rate"]


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a rate is a warning, and from where on marketing stops. Nothing is judged below `least` messages.

    Raises ValueError where a warning is not below its stop, or a rate is none.
    """

    bounce_warn: float = 0.02
    bounce_pause: float = 0.05
    complaint_warn: float = 0.001
    complaint_pause: float = 0.003
    least: int = 1000

    def __post_init__(self) -> None:
        pairs = ((self.bounce_warn, self.bounce_pause), (self.complaint_warn, self.complaint_pause))
        if any(not 0 < warn < pause <= 1 for warn, pause in pairs) or self.least < 1:
            raise ValueError("each rate is between 0 and 1, a warning below its stop, and `least` is at least 1")


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of messages."""

    delivered: int = 0
    bounced: int = 0
    """Hard bounces: addresses that do not exist, or that the provider has closed."""
    soft_bounced: int = 0
    complained: int = 0

    @property
    def answered(self) -> int:
        """Messages of which the receiving side has said yes or no."""
        return self.delivered + self.bounced

    @property
    def bounce_rate(self) -> float:
        """Hard bounces of all that were answered."""
        return self.bounced / self.answered if self.answered else 0.0

    @property
    def complaint_rate(self) -> float:
        """Complaints of all that were delivered."""
        return self.complained / self.delivered if self.delivered else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """too_few: nothing can be said yet. warn: somebody should look. pause: marketing must stop, for this cause."""

    state: Literal["too_few", "good", "warn", "pause"]
    cause: RateCause | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """When a person let a tenant go on after a stop, and what the hour had counted by then: judged is what came since."""

    tenant: str
    at: datetime
    counted: Mapping[str, int]


def hour_of(at: datetime) -> str:
    """`YYYYMMDDHH` of an instant in UTC."""
    return at.strftime("%Y%m%d%H")


def window_start(now: datetime) -> datetime:
    """The beginning of the window: of the last 24 clock hours, this one included."""
    return (now - WINDOW + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)


def judged(hours: Hours, mark: Mark | None, now: datetime) -> Sums:
    """The sums of the window, but for what came before the mark."""
    start, marked = hour_of(window_start(now)), None if mark is None else hour_of(mark.at)
    parts: list[Mapping[str, int]] = []
    for hour, sums in hours.items():
        if start <= hour <= hour_of(now) and (marked is None or hour >= marked):
            parts.append(sums)
            if mark is not None and hour == marked:
                parts.append({name: -count for name, count in mark.counted.items()})
    return sums_of(parts)


def by_day(hours: Hours, now: datetime) -> list[tuple[str, Sums]]:
    """The last 14 UTC days as `YYYY-MM-DD`, newest first, also those without a message."""
    days = [now - timedelta(days=n) for n in range(DAYS_SHOWN)]
    return [
        (f"{day:%Y-%m-%d}", sums_of([sums for hour, sums in hours.items() if hour.startswith(f"{day:%Y%m%d}")]))
        for day in days
    ]


def sums_of(parts: list[Mapping[str, int]]) -> Sums:
    """Added up. A message that bounced after it was delivered leaves its hour of delivery below nothing: cut at zero."""
    added = total(parts)
    return Sums(*(max(0, added.get(name, 0)) for name in ("delivered", "bounced", "soft_bounced", "complained")))


def judge(sums: Sums, limits: Limits) -> Verdict:
    """What the sums call for. At a limit it is reached."""
    if sums.answered < limits.least:
        return Verdict("too_few")
    if sums.bounce_rate >= limits.bounce_pause:
        return Verdict("pause", "bounce_rate")
    if sums.complaint_rate >= limits.complaint_pause:
        return Verdict("pause", "complaint_rate")
    if sums.bounce_rate >= limits.bounce_warn:
        return Verdict("warn", "bounce_rate")
    if sums.complaint_rate >= limits.complaint_warn:
        return Verdict("warn", "complaint_rate")
    return Verdict("good")


_SENTENCES: dict[RateCause, dict[Language, str]] = {
    "bounce_rate": {
        "en": "Marketing has stopped by itself: {rate:.1%} of the last {of:,} answered messages came back for good "
        "(limit {limit:.1%}). Remove old addresses, then resume.",
        "bn": "মার্কেটিং নিজে থেকে থেমেছে: শেষ {of:,}টি মেইলের {rate:.1%} স্থায়ীভাবে ফেরত এসেছে (সীমা {limit:.1%})। "
        "পুরোনো ঠিকানা বাদ দিয়ে আবার চালু করুন।",
    },
    "complaint_rate": {
        "en": "Marketing has stopped by itself: {rate:.2%} of the last {of:,} delivered messages were marked as spam "
        "(limit {limit:.2%}). Write only to people who asked for it, then resume.",
        "bn": "মার্কেটিং নিজে থেকে থেমেছে: শেষ {of:,}টি মেইলের {rate:.2%} স্প্যাম বলে চিহ্নিত হয়েছে (সীমা {limit:.2%})। "
        "যাঁরা চেয়েছেন শুধু তাঁদের লিখুন, তারপর আবার চালু করুন।",
    },
}


def stop_words(cause: RateCause, sums: Sums, limits: Limits, language: Language) -> str:
    """Why marketing has stopped, for people."""
    bounces = cause == "bounce_rate"
    rate, of = (sums.bounce_rate, sums.answered) if bounces else (sums.complaint_rate, sums.delivered)
    limit = limits.bounce_pause if bounces else limits.complaint_pause
    return _SENTENCES[cause][language].format(rate=rate, of=of, limit=limit)


def parse_limits(text: str) -> Limits:
    """From `bounce_warn,bounce_pause,complaint_warn,complaint_pause,least`. Raises ValueError for anything else."""
    parts = text.split(",")
    if len(parts) != 5:
        raise ValueError("five numbers: two for bounces, two for complaints, and the least number of messages")
    bounce_warn, bounce_pause, complaint_warn, complaint_pause = (float(part) for part in parts[:4])
    return Limits(bounce_warn, bounce_pause, complaint_warn, complaint_pause, int(parts[4]))
