"""The reputation of tenants: what they see of it, and the watch that stops marketing before the provider does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from meghdoot.areas.analytics import reputation_rules as rules
from meghdoot.areas.analytics.ports import ReputationMarks, TenantCounters
from meghdoot.areas.analytics.reputation_rules import Limits, Mark, RateCause, Sums, Verdict
from meghdoot.areas.messaging.holding import Hold, Holds
from meghdoot.areas.messaging.ports import LiveRuns
from meghdoot.areas.messaging.sending import SendingService
from meghdoot.kernel.clock import Clock

WATCHER = "reputation-watch"
_RATES: tuple[RateCause, ...] = ("bounce_rate", "complaint_rate")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a tenant stands now. `since` is the beginning of the window, or the last resume after a stop."""

    tenant: str
    since: datetime
    sums: Sums
    verdict: Verdict
    limits: Limits


@dataclass(frozen=True, slots=True)
class ReputationService:
    """Rates of a tenant, and the resume after a stop."""

    counters: TenantCounters
    marks: ReputationMarks
    holds: Holds
    sending: SendingService
    clock: Clock
    limits: Limits

    def standing(self, tenant: str) -> Standing:
        """The last 24 clock hours, judged."""
        now, mark = self.clock.now(), self.marks.get(tenant)
        start = rules.window_start(now)
        sums = rules.judged(self.counters.hours(tenant, rules.hour_of(start)), mark, now)
        since = start if mark is None else max(start, mark.at)
        return Standing(tenant, since, sums, rules.judge(sums, self.limits), self.limits)

    def days(self, tenant: str) -> list[tuple[str, Sums]]:
        """The last 14 UTC days, newest first."""
        now = self.clock.now()
        first = now - timedelta(days=rules.DAYS_SHOWN - 1)
        return rules.by_day(self.counters.hours(tenant, f"{first:%Y%m%d}00"), now)

    def resume(self, tenant: str) -> tuple[Hold, int]:
        """Lift the tenant's hold, as `SendingService.resume`; after a stop for a rate only what comes now is judged.

        Raises Conflict (`not_held`).
        """
        hold = self.holds.get(tenant)
        if hold is not None and hold.cause in _RATES:
            # Before the lift: without the mark the same numbers would stop the tenant again in the same minute.
            now = self.clock.now()
            hour = rules.hour_of(now)
            self.marks.put(Mark(tenant, now, self.counters.hours(tenant, hour).get(hour, {})))
        return self.sending.resume(tenant)


@dataclass(frozen=True, slots=True)
class ReputationWatch:
    """Looks at every tenant that has a live run; the clock calls it once a minute."""

    reputation: ReputationService
    live: LiveRuns

    def watch(self) -> list[tuple[Standing, bool]]:
        """Judge, and stop marketing where it must. Answers who is warned or stopped; True where this look stopped them."""
        tenants = sorted({tenant for tenant, _ in self.live.all()})
        standings = [self.reputation.standing(tenant) for tenant in tenants]
        return [(s, self._stopped(s)) for s in standings if s.verdict.state in ("warn", "pause")]

    def _stopped(self, standing: Standing) -> bool:
        cause = standing.verdict.cause
        if standing.verdict.state != "pause" or cause is None:
            return False
        words = {
            language: rules.stop_words(cause, standing.sums, standing.limits, language) for language in ("en", "bn")
        }
        now = self.reputation.clock.now()
        hold = Hold(standing.tenant, "marketing", cause, words["en"], WATCHER, now, words_bn=words["bn"])
        return self.reputation.holds.put(hold)
