"""The public endpoints: what recipients do with the addresses in their messages."""

from __future__ import annotations

from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.run_links import DynamoRunLinks
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.adapters.dynamodb.touches import DynamoTouches
from meghdoot.adapters.memory.touches import RememberingTouches
from meghdoot.adapters.objects.withdrawals import ObjectWithdrawalLog
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.messaging.recipients import RecipientService
from meghdoot.http.recipients import RecipientSite
from meghdoot.wiring import light


@light.once
def site() -> RecipientSite:
    """The site."""
    s, calls = light.settings(), light.calls()
    consent = ConsentService(
        ledger=DynamoConsentLedger(calls, s.table_people),
        suppressions=DynamoSuppressions(calls, s.table_people),
        log=ObjectWithdrawalLog(light.write_once(), s.bucket_withdrawals),
        clock=light.clock(),
        ids=light.ids(),
    )
    service = RecipientService(
        consent=consent,
        touches=RememberingTouches(DynamoTouches(calls, s.table_activity)),
        links=DynamoRunLinks(calls, s.table_definitions),
        clock=light.clock(),
    )
    return RecipientSite(service, light.keyring(), light.log)
