"""By SQS: batches of events and customers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from meghdoot.adapters.intake_messages import parse
from meghdoot.kernel.errors import Invalid
from meghdoot.wiring import intake

logger = Logger(service="intake")


def _take(record: SQSRecord) -> None:
    """Store what can be stored, then fail the message if an item was refused: repeating it changes nothing else."""
    batch = parse(record.body, record.message_id)
    fates = intake.take(batch)
    refused = Counter(error.code for error in fates if error is not None)
    known = {"tenant": batch.tenant, "message_id": record.message_id, "items": len(fates), "refused": dict(refused)}
    logger.info("intake", extra=known)
    if refused:
        raise Invalid(f"{refused.total()} of {len(fates)} items were refused", code="items_refused")


def handler(event: dict[str, Any], context: Any) -> Any:
    """Each message on its own; one that fails comes again alone, and at last waits in the dead-letter queue."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=_take, processor=processor, context=context)
    if processor.exceptions:
        logger.warning("intake", extra={"failed": [failed[0].__name__ for failed in processor.exceptions if failed[0]]})
    return answer
