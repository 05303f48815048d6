"""What analytics needs from the outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from meghdoot.areas.analytics.model import CampaignFiguresRecord, Conversions, Counter, CounterKey
from meghdoot.areas.analytics.reputation_rules import Hours, Mark
from meghdoot.areas.messaging.model import Run
from meghdoot.kernel.records import Records


class ConversionQuery(Protocol):
    """Attribution over the snapshot."""

    def conversions(
        self, tenant: str, run_id: str, *, window_days: int, currency: str, now: datetime, zone: str
    ) -> Conversions:
        """Purchases that the run's messages brought, in one currency, each counted once over all runs (last touch)."""
        ...


class CounterStore(Protocol):
    """The counters, as the reader of the stream writes them."""

    def read(self, key: CounterKey) -> Counter | None:
        """The counter as it stands, read consistently."""
        ...

    def write(self, key: CounterKey, counter: Counter, expected: str | None) -> bool:
        """Write where the stored last sequence is still `expected` (None: where there is no counter). False: it is not."""
        ...


class TenantCounters(Protocol):
    """The sums of a tenant by hour, kept by the reader of the stream as exactly as those of runs."""

    def hours(self, tenant: str, since: str) -> Hours:
        """Sums by UTC hour from `since` (`YYYYMMDDHH`) on, read consistently; hours without a message are left out."""
        ...


class ReputationMarks(Protocol):
    """The last resume of each tenant after a stop for a rate."""

    def get(self, tenant: str) -> Mark | None:
        """The mark, read consistently."""
        ...

    def put(self, mark: Mark) -> None:
        """Set it."""
        ...


class RunReports(Protocol):
    """Messaging's word on a run (`messaging.service.RunService`)."""

    def get(self, tenant: str, run_id: str) -> Run:
        """The run. Raises NotFound."""
        ...

    def accounting(self, run: Run) -> Mapping[str, int]:
        """State to people, adding up to the audience."""
        ...


class FiguresStore(Records[CampaignFiguresRecord], Protocol):
    """What each campaign had brought when its report was last made."""
