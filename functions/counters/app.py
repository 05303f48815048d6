"""By stream: keeps the sums of every run while messages come and go."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from meghdoot.adapters.dynamodb.streams import activity_batch
from meghdoot.kernel.errors import Unavailable
from meghdoot.wiring import counters

logger = Logger(service="counters")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Count a batch of one shard. Raises Unavailable, after all else was counted, when a counter could not be written.

    The whole batch then comes again, and what was counted is not counted again. A record that cannot be read never will
    be: it is reported and passed by, since a shard waits for nobody; the recount from the rows mends its sum.
    """
    batch = activity_batch(event)
    late = counters.service().count(batch.stream, batch.shard, batch.changes)
    if batch.unreadable:
        logger.error("records that cannot be read", extra={"shard": batch.shard, "sequences": batch.unreadable})
    if late:
        raise Unavailable("counters could not be written", hint=f"from {late[0]} of {batch.shard}")
    return {"state": event.get("state") or {}, "batchItemFailures": []}
