"""The reader of the activity stream on AWS."""

from __future__ import annotations

from meghdoot.adapters.dynamodb.counters import DynamoCounters
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.wiring import aws


@aws.once
def service() -> CounterService:
    """Built once a process."""
    return CounterService(DynamoCounters(aws.calls(), aws.settings().table_work))
