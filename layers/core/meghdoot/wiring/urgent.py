"""The sender of single messages over the thin client: somebody waits for a code, so nothing heavy is loaded before it."""

from __future__ import annotations

import time

from meghdoot.adapters.dynamodb.evidence import DynamoEvidence
from meghdoot.adapters.dynamodb.gates import DynamoGates
from meghdoot.adapters.dynamodb.holding import DynamoHolds
from meghdoot.adapters.dynamodb.light_records import LightRecords
from meghdoot.adapters.dynamodb.seal import DynamoSeal
from meghdoot.adapters.dynamodb.singles import COMPOSITION, DynamoSingleRows, DynamoSingles
from meghdoot.adapters.dynamodb.timers import DynamoSingleTimers
from meghdoot.adapters.queues import SqsUrgentQueue
from meghdoot.adapters.wire_services import WireSqs
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.model import Composition
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.areas.messaging.singles.sender import SingleSender
from meghdoot.wiring import light
from meghdoot.wiring import sender as chunks


@light.once
def sender() -> SingleSender:
    """The sender of single messages: provider, pacer and templates are those of the sender of chunks."""
    s, calls = light.settings(), light.calls()
    tables = (s.table_definitions, s.table_people, s.table_activity)
    gates = DynamoGates(calls, s.table_people, as_items=s.emulates_partiql)
    consent = chunks.consent()
    return SingleSender(
        singles=DynamoSingles(calls, s.table_activity),
        rows=DynamoSingleRows(calls, s.table_activity, as_items=s.emulates_partiql),
        compositions=LightRecords(calls, s.table_definitions, Composition, COMPOSITION),
        guard=SingleGuard(gates, consent.suppressions, light.keyring(), light.clock()),
        holds=DynamoHolds(calls, s.table_definitions),
        seal=DynamoSeal(calls, tables, light.clock()),
        queue=SqsUrgentQueue(WireSqs(light.wire()), s.queue_urgent),
        timers=DynamoSingleTimers(calls, s.table_work),
        evidence=DynamoEvidence(calls, s.table_work),
        provider=chunks.provider(),
        pacer=chunks.pacer(),
        mails=SingleMails(chunks.mails().composers, light.keyring()),
        suppression=consent,
        address_key=EmailKeys(light.keyring()),
        clock=light.clock(),
        ids=light.ids(),
        pause=time.sleep,
        chance=chunks.chance,
        windows=Windows(s.marketing_unknown_after, s.transactional_resend_after),
    )
