"""Attribution over the snapshot with DuckDB: `ports.ConversionQuery` of analytics. The rule is `analytics.attribution`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meghdoot.adapters.lake.duckdb_engine import Lake
from meghdoot.areas.analytics.attribution import DAY_MS, HUMAN_CLICKS
from meghdoot.areas.analytics.model import Conversions
from meghdoot.areas.segments.days import milliseconds
from meghdoot.kernel.money import Money

# Only people whom the run has touched are looked at; whether another run was later is then decided among all runs.
_CREDITED = """
WITH points AS (
    SELECT customer_id, run_id, send_key, at_ms, true AS is_click
    FROM touches WHERE list_contains($clicks::VARCHAR[], kind)
    UNION ALL
    SELECT customer_id, run_id, send_key, coalesce(delivered_ms, at_ms), false
    FROM sends WHERE delivered_ms IS NOT NULL OR state = 'complained'
), mine AS (
    SELECT DISTINCT customer_id FROM points WHERE run_id = $run
), credited AS (
    SELECT o.customer_id, o.amount_minor, p.run_id, row_number() OVER (
        PARTITION BY o.customer_id, o.id ORDER BY p.is_click DESC, p.at_ms DESC, p.send_key DESC
    ) AS place
    FROM purchases o SEMI JOIN mine ON mine.customer_id = o.customer_id
    JOIN points p ON p.customer_id = o.customer_id AND p.at_ms BETWEEN o.at_ms - $window AND o.at_ms
    WHERE o.currency = $currency AND o.amount_minor IS NOT NULL AND o.at_ms <= $now
)
SELECT count(*), count(DISTINCT customer_id), coalesce(sum(amount_minor), 0)
FROM credited WHERE place = 1 AND run_id = $run
"""


@dataclass(frozen=True)
class DuckDbConversions:
    """`ports.ConversionQuery` over the lake."""

    lake: Lake

    def conversions(
        self, tenant: str, run_id: str, *, window_days: int, currency: str, now: datetime, zone: str
    ) -> Conversions:
        """What the run brought up to `now`. Windows are between instants, so the zone decides nothing."""
        parameters = {
            "clicks": sorted(HUMAN_CLICKS), "run": run_id, "window": window_days * DAY_MS, "currency": currency,
            "now": milliseconds(now),
        }  # fmt: skip
        with self.lake.open(tenant, ("events", "sends", "touches")) as (connection, snapshot):
            count, customers, minor = connection.execute(_CREDITED, parameters).fetchone()
        return Conversions(int(count), int(customers), Money(int(minor), currency), snapshot.as_of)
