"""How a tenant's mail is received."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from meghdoot.areas.analytics.reputation import Standing
from meghdoot.areas.analytics.reputation_rules import Limits, RateCause, Sums
from meghdoot.http.schemas.common import Answer, Instant


class RatesAnswer(Answer):
    """What became of messages. `bounce_rate` is over delivered and bounced, `complaint_rate` over delivered."""

    delivered: int
    bounced: int = Field(description="Hard bounces only.")
    soft_bounced: int
    complained: int
    bounce_rate: float
    complaint_rate: float

    @classmethod
    def of(cls, s: Sums) -> RatesAnswer:
        """From the sums."""
        return cls(
            delivered=s.delivered, bounced=s.bounced, soft_bounced=s.soft_bounced, complained=s.complained,
            bounce_rate=round(s.bounce_rate, 6), complaint_rate=round(s.complaint_rate, 6),
        )  # fmt: skip


class DayRatesAnswer(Answer):
    """One UTC day."""

    day: str
    rates: RatesAnswer


class LimitsAnswer(Answer):
    """From where on a rate is a warning, and from where on marketing stops. Nothing is judged below `least` messages."""

    bounce_warn: float
    bounce_pause: float
    complaint_warn: float
    complaint_pause: float
    least: int

    @classmethod
    def of(cls, limits: Limits) -> LimitsAnswer:
        """From the deployment's limits."""
        return cls(
            bounce_warn=limits.bounce_warn, bounce_pause=limits.bounce_pause, complaint_warn=limits.complaint_warn,
            complaint_pause=limits.complaint_pause, least=limits.least,
        )  # fmt: skip


class ReputationAnswer(Answer):
    """The last 24 clock hours, judged, and 14 days beside them."""

    state: Literal["too_few", "good", "warn", "pause"]
    cause: RateCause | None = Field(description="The rate that is too high.")
    since: Instant = Field(
        description="What is judged began here: 24 hours ago, or when somebody resumed after a stop."
    )
    rates: RatesAnswer
    limits: LimitsAnswer
    days: list[DayRatesAnswer]

    @classmethod
    def of(cls, s: Standing, days: list[tuple[str, Sums]]) -> ReputationAnswer:
        """From the service."""
        return cls(
            state=s.verdict.state, cause=s.verdict.cause, since=s.since, rates=RatesAnswer.of(s.sums),
            limits=LimitsAnswer.of(s.limits),
            days=[DayRatesAnswer(day=day, rates=RatesAnswer.of(sums)) for day, sums in days],
        )  # fmt: skip
