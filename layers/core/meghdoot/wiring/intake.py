"""The composition of `intake`: people by the address book, events once each."""

from __future__ import annotations

from meghdoot.adapters.dynamodb.batches import Batches
from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.customers import DynamoCustomers, dynamo_attributes
from meghdoot.adapters.dynamodb.events import KEPT, DynamoEvents
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.adapters.intake_messages import IntakeBatch
from meghdoot.adapters.objects.withdrawals import BotoWriteOnce, ObjectWithdrawalLog
from meghdoot.areas.consent.address_book import AddressBook
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.customers.service import CustomerService
from meghdoot.kernel.errors import AppError, Invalid
from meghdoot.wiring import aws


def events() -> DynamoEvents:
    """The customers' events. A clock that stands in the past keeps them for ever: see DynamoEvents."""
    s = aws.settings()
    # Item by item where statements are not granted or not understood; each is one conditional put either way.
    batches = Batches(aws.calls(), s.table_activity, by_items=s.emulates_partiql)
    return DynamoEvents(batches, KEPT if s.clock_offset.total_seconds() >= 0 else None)


def customers() -> CustomerService:
    """Customers and their events."""
    s, calls = aws.settings(), aws.calls()
    return CustomerService(
        DynamoCustomers(calls, s.table_people),
        events(),
        dynamo_attributes(aws.bound(DocumentItem, s.table_definitions)),
        aws.keyring(),
        aws.clock(),
        aws.ids(),
    )


@aws.once
def people() -> AddressBook:
    """Customers, with the suppression of their addresses kept in mind."""
    s, calls = aws.settings(), aws.calls()
    consent = ConsentService(
        DynamoConsentLedger(calls, s.table_people),
        DynamoSuppressions(calls, s.table_people),
        ObjectWithdrawalLog(BotoWriteOnce(aws.client("s3")), s.bucket_withdrawals),
        aws.clock(),
        aws.ids(),
    )
    return AddressBook(customers(), consent)


def take(batch: IntakeBatch) -> list[AppError | None]:
    """Store a batch; why each item was refused, or None, in order. Raises Throttled and Unavailable: repeat the whole."""
    book = people()
    if batch.customers:
        return [result.error for result in book.upsert_many(batch.tenant, batch.customers)]
    readable = [event for event in batch.events if not isinstance(event, Invalid)]
    results = book.customers.record_events(batch.tenant, readable, create_missing=batch.create_missing)
    fates = iter(results)
    return [event if isinstance(event, Invalid) else next(fates).error for event in batch.events]
