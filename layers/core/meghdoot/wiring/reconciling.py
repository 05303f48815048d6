"""What accounts for runs and their messages, over a deployment: for the command line."""

from __future__ import annotations

from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.counters import DynamoCounters
from meghdoot.adapters.dynamodb.touches import DynamoTouches
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.reconciling import ReconcileService
from meghdoot.areas.messaging.run_records import stored_run
from meghdoot.areas.messaging.sent_messages import SentMessageService
from meghdoot.wiring import aws, messaging


def run(tenant: str, run_id: str) -> Run:
    """A stored run. Raises NotFound."""
    return stored_run(messaging.runs(), tenant, run_id)


def service() -> ReconcileService:
    """The account of runs."""
    s, calls = aws.settings(), aws.calls()
    return ReconcileService(
        views=messaging.views(),
        gates=messaging.gates(),
        ledger=DynamoConsentLedger(calls, s.table_people),
        touches=DynamoTouches(calls, s.table_activity),
        counters=DynamoCounters(calls, s.table_work),
        roots=messaging.roots(),
        evidence=messaging.evidence(),
        clock=aws.clock(),
        provider=s.email_provider,
    )


def sent_messages() -> SentMessageService:
    """Messages of runs as they were sent."""
    return SentMessageService(
        messaging.runs(), messaging.chunks(), messaging.audience(), messaging.rows(consistent=False), messaging.mails()
    )
