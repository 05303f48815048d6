"""By SQS: what providers say about messages."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from meghdoot.wiring import messaging

logger = Logger(service="receipts")


def handler(event: dict[str, Any], context: Any) -> Any:
    """Record the batch as one; when that fails, each message alone, so that only the failing ones come again."""
    batch = messaging.receipt_batch()
    batch.together([record["body"] for record in event["Records"]])
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=event, record_handler=lambda record: batch.tell(record.body), processor=processor, context=context
    )
    errors = [getattr(failed[0], "__name__", "error") for failed in processor.exceptions]
    logger.info("receipts", extra={"seen": dict(batch.seen), "failed": errors, "together": batch.trouble or "yes"})
    return answer
