"""The steps of the machine segment_refresh: make the tenant's next snapshot, then count one segment on it."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Malformed
from meghdoot.wiring import lake

logger = Logger(service="segment-refresh")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """`{"op": "compact", "tenant"}` or `{"op": "count", "tenant", "segment_id"}`; both may be repeated."""
    if event.get("op") == "compact":
        return _compact(event["tenant"])
    if event.get("op") == "count":
        return _count(event["tenant"], event["segment_id"])
    raise Malformed("the step is compact or count", code="unknown_step")


def _compact(tenant: str) -> dict[str, Any]:
    snapshot = lake.compactor().compact(tenant)
    logger.info("compacted", extra={"tenant": tenant, "snapshot": snapshot.id, "customers": snapshot.customers})
    return {
        "tenant": tenant, "snapshot_id": snapshot.id, "as_of": iso(snapshot.as_of),
        "customers": snapshot.customers, "events": snapshot.events,
    }  # fmt: skip


def _count(tenant: str, segment_id: str) -> dict[str, Any]:
    segment = lake.segments().refresh(tenant, segment_id)
    logger.info("counted", extra={"tenant": tenant, "segment": segment_id, "people": segment.customer_count})
    return {
        "tenant": tenant, "segment_id": segment_id, "customer_count": segment.customer_count,
        "snapshot_id": segment.snapshot_id,
    }  # fmt: skip
