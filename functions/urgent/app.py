"""By SQS: sends single messages. Their queue is their own, so that nobody waits behind a campaign for a code."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from meghdoot.adapters.queues import parse_single
from meghdoot.wiring import singles

logger = Logger(service="urgent")
MARGIN_SECONDS = 3.0


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Handle each message; one that fails comes again, alone."""

    def remaining() -> float:
        return context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS

    def send(record: SQSRecord) -> None:
        ref = parse_single(record.body)
        facts = {"tenant": ref.tenant, "message_id": ref.message_id}
        try:
            handled = singles.sender().handle(ref, remaining)
        except Exception as e:
            logger.error("message failed", extra={**facts, "error": type(e).__name__})
            raise
        logger.info("message", extra={**facts, "decision": handled})

    # All failing is no failure of ours either: the queue repeats them one by one.
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=send, processor=processor, context=context)
