"""The sender of chunks over the thin client: no SDK, no models, no powertools are loaded by it, before or after a chunk."""

from __future__ import annotations

import os
import time

from meghdoot.adapters.dynamodb.chunks import DynamoChunks
from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.gates import DynamoGates
from meghdoot.adapters.dynamodb.holding import DynamoRunWatch
from meghdoot.adapters.dynamodb.light_records import LightRecords, LightTemplateVersions
from meghdoot.adapters.dynamodb.pacer import DynamoRateBook, DynamoReadings, DynamoStalls, DynamoTallies
from meghdoot.adapters.dynamodb.seal import DynamoSeal
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.adapters.email.local import LocalProvider
from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.adapters.email.ses_wire import READ_SECONDS, SesWireProvider
from meghdoot.adapters.objects.audience import ObjectAudience
from meghdoot.adapters.objects.withdrawals import ObjectWithdrawalLog
from meghdoot.adapters.queues import SqsChunkQueue
from meghdoot.adapters.runway import ThreadRunway
from meghdoot.adapters.wire import AwsWire
from meghdoot.adapters.wire_services import WireSqs, WireStore
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.announcing import AnnouncingQueue
from meghdoot.areas.messaging.composing import TemplateComposers
from meghdoot.areas.messaging.flight import OneByOne
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.ports import EmailProvider
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.areas.messaging.slots import SlotPacer, line_of
from meghdoot.areas.messaging.turn import ACCOUNT
from meghdoot.kernel.clock import SystemClock
from meghdoot.wiring import light

CALLS_AT_ONCE = 16
"""A call of SES takes some 50 ms, of which the processor sees less than one: one process makes some 70 a second between its waves."""


@light.once
def provider() -> EmailProvider:
    """Who carries the mails, as the settings say."""
    s = light.settings()
    if s.email_provider == "local":
        return LocalProvider(s.local_provider_url)
    wire = AwsWire(s.region, light.credentials, SystemClock(), s.endpoint_url, timeout=READ_SECONDS)
    return SesWireProvider(wire, s.configuration_set)


@light.once
def consent() -> ConsentService:
    """Consent, as far as a refused address closes it."""
    s, calls = light.settings(), light.calls()
    return ConsentService(
        DynamoConsentLedger(calls, s.table_people),
        DynamoSuppressions(calls, s.table_people),
        ObjectWithdrawalLog(light.write_once(), s.bucket_withdrawals),
        light.clock(),
        light.ids(),
    )


@light.once
def mails() -> Mails:
    """Writes mails from the pinned templates of runs."""
    versions = LightTemplateVersions(light.calls(), light.settings().table_definitions)
    return Mails(TemplateComposers(versions, MimeComposers()), light.keyring())


@light.once
def pacer() -> SlotPacer:
    """This process's part in the slots of the provider's rate."""
    calls, table = light.calls(), light.settings().table_work
    return SlotPacer(
        DynamoRateBook(calls, table), DynamoTallies(calls, table), DynamoReadings(calls, table),
        DynamoStalls(calls, table), light.settings().sender_rate, light.ids().new,
    )  # fmt: skip


def queue() -> AnnouncingQueue:
    """The queue of chunks: one that was handed back to make room is announced too."""
    s = light.settings()
    chunks, book = SqsChunkQueue(WireSqs(light.wire()), s.queue_chunks), DynamoRateBook(light.calls(), s.table_work)
    return AnnouncingQueue(chunks, book, line_of(s.email_provider, ACCOUNT), light.clock())


def chance() -> float:
    """From [0, 1), by the machine's entropy."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


@light.once
def sender() -> SenderService:
    """The sender of chunks."""
    s, calls = light.settings(), light.calls()
    tables = (s.table_definitions, s.table_people, s.table_activity)
    return SenderService(
        runs=LightRecords(calls, s.table_definitions, Run, "run", lambda run: run.status),
        chunks=DynamoChunks(calls, s.table_activity, as_items=s.emulates_partiql),
        audience=ObjectAudience(WireStore(light.wire(), s.bucket_lake)),
        gates=DynamoGates(calls, s.table_people, as_items=s.emulates_partiql, consistent=False),
        queue=queue(),
        provider=provider(),
        pacer=pacer(),
        mails=mails(),
        suppression=consent(),
        address_key=EmailKeys(light.keyring()),
        clock=light.clock(),
        ids=light.ids(),
        pause=time.sleep,
        chance=chance,
        watch=DynamoRunWatch(calls, s.table_definitions),
        seal=DynamoSeal(calls, tables, light.clock()),
        runway=ThreadRunway(CALLS_AT_ONCE) if s.email_provider == "ses" else OneByOne(),
    )
