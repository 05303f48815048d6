"""Dead letters of a deployment, by the name of their queue."""

from __future__ import annotations

from meghdoot.adapters.dead_letters import SqsDeadLetters
from meghdoot.adapters.queues import parse_ref
from meghdoot.areas.messaging.redriving import ChunkJudge, Judge, RedriveService, anything
from meghdoot.wiring import aws, messaging

QUEUES = ("chunks", "urgent", "receipts", "intake")


def service(queue: str) -> RedriveService:
    """The redrive of one of `QUEUES`. Raises KeyError for another name."""
    s = aws.settings()
    urls = {"chunks": s.queue_chunks, "urgent": s.queue_urgent, "receipts": s.queue_receipts, "intake": s.queue_intake}
    url = urls[queue]
    judge: Judge = anything
    if queue == "chunks":
        judge = ChunkJudge(messaging.runs(), messaging.chunks(), parse_ref, aws.clock())
    return RedriveService(SqsDeadLetters(aws.client("sqs"), url), judge)
