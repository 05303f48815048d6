"""Adapters of single messages on AWS, for the API that takes them and the ticker that looks after them."""

from __future__ import annotations

from meghdoot.adapters.dynamodb.light_records import LightRecords
from meghdoot.adapters.dynamodb.singles import COMPOSITION, DynamoSingleRows, DynamoSingles
from meghdoot.adapters.dynamodb.timers import DynamoSingleTimers
from meghdoot.adapters.queues import SqsUrgentQueue
from meghdoot.areas.messaging.singles.model import Composition
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.areas.messaging.singles.sweeper import SingleSweeper
from meghdoot.wiring import aws, messaging


def messages() -> DynamoSingles:
    """The messages."""
    return DynamoSingles(aws.calls(), aws.settings().table_activity)


def rows() -> DynamoSingleRows:
    """Their rows, by item calls: neither the API nor the ticker has the right to change rows by statements."""
    return DynamoSingleRows(aws.calls(), aws.settings().table_activity, as_items=True)


def timers() -> DynamoSingleTimers:
    """The sweeper's worklist."""
    return DynamoSingleTimers(aws.calls(), aws.settings().table_work)


def queue() -> SqsUrgentQueue:
    """The urgent queue."""
    return SqsUrgentQueue(aws.client("sqs"), aws.settings().queue_urgent)


def compositions() -> LightRecords[Composition]:
    """What messages are composed of."""
    return LightRecords(aws.calls(), aws.settings().table_definitions, Composition, COMPOSITION)


def windows() -> Windows:
    """How long silence must last, by class."""
    s = aws.settings()
    return Windows(s.marketing_unknown_after, s.transactional_resend_after)


@aws.once
def sweeper() -> SingleSweeper:
    """The sweeper of single messages."""
    return SingleSweeper(
        messages(),
        rows(),
        timers(),
        queue(),
        messaging.evidence(),
        aws.clock(),
        aws.settings().email_provider,
        windows(),
    )
