"""What analytics needs from the outside."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from meghdoot.areas.analytics.model import Conversions


class ConversionQuery(Protocol):
    """Attribution over the snapshot."""

    def conversions(
        self, tenant: str, run_id: str, *, window_days: int, currency: str, now: datetime, zone: str
    ) -> Conversions:
        """Purchases that the run's messages brought, in one currency, each counted once over all runs (last touch)."""
        ...
