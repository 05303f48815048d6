"""By stream: keeps the sums of every run while messages come and go."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from meghdoot.adapters.dynamodb.streams import activity_batch
from meghdoot.areas.analytics.counting import padded
from meghdoot.wiring import counters

logger = Logger(service="counters")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Count a batch of one shard. A record that cannot be read, or a counter that cannot be written, comes again.

    What was counted is not counted again when the batch does: so all others are counted at once.
    """
    batch = activity_batch(event)
    late = counters.service().count(batch.stream, batch.shard, batch.changes)
    if batch.unreadable or late:
        logger.error("records left", extra={"shard": batch.shard, "unreadable": batch.unreadable, "late": late})
    first = min([*late, *map(padded, filter(str.isdigit, batch.unreadable))], default=None)
    failures = [] if first is None else [{"itemIdentifier": _as_sent(event, first)}]
    return {"state": event.get("state") or {}, "batchItemFailures": failures}


def _as_sent(event: dict[str, Any], sequence: str) -> str:
    """The sequence number as the stream wrote it."""
    numbers = [str(r.get("dynamodb", {}).get("SequenceNumber", "")) for r in event["Records"]]
    return next(n for n in numbers if n.isdigit() and padded(n) == sequence)
