"""Adapters and services of messaging on AWS, shared by the functions that plan, listen and sweep; `sender` has its own."""

from __future__ import annotations

from meghdoot.adapters.dynamodb.chunks import DynamoChunks
from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.content import DynamoTemplateVersions
from meghdoot.adapters.dynamodb.customers import DynamoCustomers
from meghdoot.adapters.dynamodb.evidence import DynamoEvidence
from meghdoot.adapters.dynamodb.gates import DynamoGates
from meghdoot.adapters.dynamodb.holding import DynamoHolds
from meghdoot.adapters.dynamodb.live_runs import DynamoLiveRuns
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.pacer import DynamoRateBook, DynamoReadings, DynamoStalls, DynamoTallies
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.dynamodb.seal import DynamoSeal
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.soft_bounces import DynamoSoftBounces
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.adapters.dynamodb.tenants import DynamoIdentityOwners
from meghdoot.adapters.email.delivery_files import DeliveryFiles
from meghdoot.adapters.email.local import LocalProvider
from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.adapters.email.receipt_batch import ReceiptBatch
from meghdoot.adapters.email.ses import SesProvider, ses_client
from meghdoot.adapters.email.ses_account import LocalAccountReader, SesAccountReader
from meghdoot.adapters.objects.audience import ObjectAudience
from meghdoot.adapters.objects.roots import ObjectRoots
from meghdoot.adapters.objects.store import S3Store
from meghdoot.adapters.objects.withdrawals import BotoWriteOnce, ObjectWithdrawalLog
from meghdoot.adapters.queues import SqsChunkQueue
from meghdoot.areas.consent.holders import HolderSuppression
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.announcing import AnnouncingQueue
from meghdoot.areas.messaging.chunk_views import ChunkViews
from meghdoot.areas.messaging.composing import TemplateComposers
from meghdoot.areas.messaging.grants import GrantService
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.pacing_ports import AccountReader
from meghdoot.areas.messaging.ports import EmailProvider, Evidence
from meghdoot.areas.messaging.proving import ProofService
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.areas.messaging.run_pace import RunPaceService, StallWatch
from meghdoot.areas.messaging.service import TestSends
from meghdoot.areas.messaging.slots import SlotPacer, line_of
from meghdoot.areas.messaging.soft_bounces import SoftBounces
from meghdoot.areas.messaging.sweeper import SweeperService
from meghdoot.areas.messaging.turn import ACCOUNT
from meghdoot.wiring import aws


def runs() -> DynamoRecords[Run]:
    """The runs, listed by status."""
    return DynamoRecords(aws.bound(DocumentItem, aws.settings().table_definitions), Run, "run", lambda run: run.status)


def chunks(*, hot: bool = False, consistent: bool = True) -> DynamoChunks:
    """Chunk items. Only hot functions use statements; the others may write items and no more."""
    as_items = not hot or aws.settings().emulates_partiql
    return DynamoChunks(aws.calls(), aws.settings().table_activity, as_items=as_items, consistent=consistent)


def gates() -> DynamoGates:
    """Contact gates."""
    s = aws.settings()
    return DynamoGates(aws.calls(), s.table_people, as_items=s.emulates_partiql, consistent=False)


def rows(*, consistent: bool = True) -> DynamoSendRows:
    """Send rows."""
    s = aws.settings()
    return DynamoSendRows(aws.calls(), s.table_activity, as_items=s.emulates_partiql, consistent=consistent)


def queue() -> AnnouncingQueue:
    """The queue of chunks; busy senders hear of who waits in it."""
    s = aws.settings()
    chunks_queue = SqsChunkQueue(aws.client("sqs"), s.queue_chunks)
    book = DynamoRateBook(aws.calls(), s.table_work)
    return AnnouncingQueue(chunks_queue, book, line_of(s.email_provider, ACCOUNT), aws.clock())


def audience() -> ObjectAudience:
    """The frozen audiences."""
    return ObjectAudience(S3Store(aws.client("s3"), aws.settings().bucket_lake))


def live() -> DynamoLiveRuns:
    """The runs that are not over."""
    return DynamoLiveRuns(aws.calls(), aws.settings().table_work)


def holds() -> DynamoHolds:
    """What keeps tenants' messages back."""
    return DynamoHolds(aws.calls(), aws.settings().table_definitions)


@aws.once
def seal() -> DynamoSeal:
    """Whether the tables are those that were always written to."""
    s = aws.settings()
    return DynamoSeal(aws.calls(), (s.table_definitions, s.table_people, s.table_activity), aws.clock())


def evidence() -> DynamoEvidence:
    """The watermark of the provider's events."""
    return DynamoEvidence(aws.calls(), aws.settings().table_work)


@aws.once
def composers() -> TemplateComposers:
    """Compiled templates of runs."""
    versions = DynamoTemplateVersions(aws.bound(DocumentItem, aws.settings().table_definitions))
    return TemplateComposers(versions, MimeComposers())


@aws.once
def provider() -> EmailProvider:
    """Who carries the mails, as the settings say."""
    s = aws.settings()
    if s.email_provider == "local":
        return LocalProvider(s.local_provider_url)
    return SesProvider(ses_client(s.region, s.endpoint_url), s.configuration_set)


def consent() -> ConsentService:
    """Consent, as far as messaging closes addresses."""
    s, calls = aws.settings(), aws.calls()
    return ConsentService(
        DynamoConsentLedger(calls, s.table_people),
        DynamoSuppressions(calls, s.table_people),
        ObjectWithdrawalLog(BotoWriteOnce(aws.client("s3")), s.bucket_withdrawals),
        aws.clock(),
        aws.ids(),
    )


@aws.once
def mails() -> Mails:
    """Writes mails."""
    return Mails(composers(), aws.keyring())


def account_reader() -> AccountReader:
    """Who says what the account is granted."""
    s = aws.settings()
    return LocalAccountReader(s.sender_rate) if s.email_provider == "local" else SesAccountReader(aws.client("sesv2"))


def grants() -> GrantService:
    """Keeps the grant where every sender finds it."""
    calls, s = aws.calls(), aws.settings()
    readings, tallies = DynamoReadings(calls, s.table_work), DynamoTallies(calls, s.table_work)
    return GrantService(account_reader(), readings, tallies, aws.clock(), line_of(s.email_provider, ACCOUNT))


def stalls() -> StallWatch:
    """Finds runs that have waited for some minutes."""
    return StallWatch(runs(), live(), DynamoStalls(aws.calls(), aws.settings().table_work), aws.clock())


def run_pace() -> RunPaceService:
    """What limits have counted, and why runs wait."""
    calls, table = aws.calls(), aws.settings().table_work
    return RunPaceService(DynamoTallies(calls, table), DynamoStalls(calls, table), aws.clock())


@aws.once
def pacer() -> SlotPacer:
    """This process's part in the slots of the provider's rate: one for all that it sends, bulk or single."""
    calls, table = aws.calls(), aws.settings().table_work
    return SlotPacer(
        DynamoRateBook(calls, table), DynamoTallies(calls, table), DynamoReadings(calls, table),
        DynamoStalls(calls, table), aws.settings().sender_rate, aws.ids().new,
    )  # fmt: skip


def _recorder(heard_by: Evidence | None) -> ReceiptService:
    owners = DynamoIdentityOwners(aws.calls(), aws.settings().table_work)
    suppression = HolderSuppression(DynamoCustomers(aws.calls(), aws.settings().table_people), consent())
    soft = SoftBounces(DynamoSoftBounces(aws.calls(), aws.settings().table_people, aws.settings().table_activity))
    return ReceiptService(rows(), suppression, EmailKeys(aws.keyring()), owners, heard_by, soft)


@aws.once
def receipts() -> ReceiptService:
    """The recorder of what comes by topic. The watermark is moved by the way that deliveries take, and by no other."""
    return _recorder(None if aws.settings().deliveries_by_firehose else evidence())


@aws.once
def delivery_files() -> DeliveryFiles:
    """The recorder of files."""
    store = S3Store(aws.client("s3"), aws.settings().bucket_lake)
    return DeliveryFiles(store, _recorder(evidence()), aws.settings().email_provider)


def receipt_batch() -> ReceiptBatch:
    """For the messages of one invocation."""
    return ReceiptBatch(receipts(), aws.settings().email_provider)


def views() -> ChunkViews:
    """A run's chunks as evidence."""
    return ChunkViews(chunks(), audience(), rows(consistent=False))


def roots() -> ObjectRoots:
    """The proofs of runs, beside the withdrawals where nothing can be changed."""
    s3, bucket = aws.client("s3"), aws.settings().bucket_withdrawals
    return ObjectRoots(BotoWriteOnce(s3), S3Store(s3, bucket), bucket)


def proofs() -> ProofService:
    """Proves runs that are over."""
    return ProofService(runs(), views(), roots(), aws.clock())


@aws.once
def sweeper() -> SweeperService:
    """The sweeper of chunks."""
    return SweeperService(
        runs=runs(),
        live=live(),
        chunks=chunks(consistent=False),
        audience=audience(),
        queue=queue(),
        rows=rows(),
        evidence=evidence(),
        clock=aws.clock(),
        provider=aws.settings().email_provider,
        holds=holds(),
        proofs=proofs(),
        unknown_after=aws.settings().marketing_unknown_after,
    )


@aws.once
def test_sends() -> TestSends:
    """Single marked mails to named addresses."""
    return TestSends(mails(), provider(), aws.clock(), aws.ids())
