"""What happens around a restore: the first seal of a deployment, and the replay of every no."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meghdoot.adapters.dynamodb.customers import DynamoCustomers, dynamo_attributes
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.unfinished import DynamoUnfinishedRuns
from meghdoot.adapters.objects.withdrawals import S3WithdrawalReader
from meghdoot.areas.customers.service import CustomerService
from meghdoot.areas.messaging.restoring import RestoreService, SealService
from meghdoot.wiring import aws, intake, messaging


def lines() -> S3WithdrawalReader:
    """The write-once bucket, read back."""
    return S3WithdrawalReader(aws.client("s3"), aws.settings().bucket_withdrawals)


def seals() -> SealService:
    """Seals a new deployment."""
    return SealService(messaging.seal(), lines())


def restore(tell: Callable[[str, Mapping[str, int]], None]) -> RestoreService:
    """The replay. `tell` hears of each page."""
    s, calls = aws.settings(), aws.calls()
    customers = DynamoCustomers(calls, s.table_people)
    attributes = dynamo_attributes(aws.bound(DocumentItem, s.table_definitions))
    return RestoreService(
        lines=lines(),
        consent=messaging.consent(),
        customers=customers,
        erase=CustomerService(customers, intake.events(), attributes, aws.keyring(), aws.clock(), aws.ids()),
        runs=messaging.runs(),
        unfinished=DynamoUnfinishedRuns(calls, s.table_definitions),
        live=messaging.live(),
        seals=messaging.seal(),
        clock=aws.clock(),
        tell=tell,
    )
