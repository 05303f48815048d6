"""By SQS: what providers say about messages."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from meghdoot.adapters.email.ses_events import parse
from meghdoot.wiring import aws, messaging

logger = Logger(service="receipts")


def handler(event: dict[str, Any], context: Any) -> Any:
    """Record each message; one that fails comes again, alone. What is of no use to us is counted and acknowledged."""
    seen: dict[str, int] = {}

    def tell(record: SQSRecord) -> None:
        parsed = parse(record.body, aws.settings().email_provider)
        if parsed.ignored is not None:
            seen[f"ignored:{parsed.ignored}"] = seen.get(f"ignored:{parsed.ignored}", 0) + 1
            return
        done = messaging.receipts().record(parsed.facts)
        for name in ("born", "climbed", "suppressed", "unmatched"):
            seen[name] = seen.get(name, 0) + getattr(done, name)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=tell, processor=processor, context=context)
    errors = [getattr(failed[0], "__name__", "error") for failed in processor.exceptions]
    logger.info("receipts", extra={"seen": seen, "failed": errors})
    return answer
