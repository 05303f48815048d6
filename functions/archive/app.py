"""By stream: appends changed profiles, events, send rows and touches to the lake."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from meghdoot.adapters.lake.archive import shard_of
from meghdoot.wiring import lake

logger = Logger(service="archive")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Keep a batch of one shard. It stops at a record that cannot be read, which comes again alone until it is given up."""
    records = event.get("Records", [])
    appended = lake.archive().append(shard_of(event), records) if records else None
    failures = []
    if appended is not None and appended.failed is not None:
        logger.error("a record cannot be read", extra={"sequence": appended.failed, "reason": appended.reason})
        failures = [{"itemIdentifier": appended.failed}]
    # A mapping with a window hands the state on; this function keeps none.
    return {"state": event.get("state") or {}, "batchItemFailures": failures}
