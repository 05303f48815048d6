"""By SQS: files of deliveries that a stream has written."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from meghdoot.adapters.email.delivery_files import key_of
from meghdoot.wiring import aws, messaging

logger = Logger(service="deliveries")
SHOWN = 20


def handler(event: dict[str, Any], context: Any) -> Any:
    """Record each file; one that fails comes again, alone."""

    def take(record: SQSRecord) -> None:
        taken = messaging.delivery_files().take(key_of(record.body, aws.settings().bucket_lake))
        told = {"file": taken.key, "lines": taken.lines, "seen": dict(taken.seen), "unread": len(taken.unread)}
        logger.info("deliveries", extra=told)
        if taken.unread:
            logger.error("lines that cannot be read", extra={"file": taken.key, "at": taken.unread[:SHOWN]})

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=take, processor=processor, context=context)
    for failed in processor.exceptions:
        logger.error("a file failed", extra={"error": getattr(failed[0], "__name__", "error")})
    return answer
