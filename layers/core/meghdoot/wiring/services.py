"""The services of the API over any adapters: `Ports` is what they stand on, and `compose` is the same for AWS and memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.areas.access.ports import ApiKeys, AuditLog
from meghdoot.areas.access.service import AccessService
from meghdoot.areas.analytics.ports import ConversionQuery, FiguresStore, ReputationMarks, TenantCounters
from meghdoot.areas.analytics.reputation import ReputationService
from meghdoot.areas.analytics.reputation_rules import Limits
from meghdoot.areas.analytics.service import KeptFigures, ReportService
from meghdoot.areas.campaigns import ports as campaigning
from meghdoot.areas.campaigns.email_service import EmailCampaignService
from meghdoot.areas.campaigns.launch import LaunchChecker, Launcher
from meghdoot.areas.campaigns.rehearsal import Rehearsal
from meghdoot.areas.campaigns.service import CampaignService
from meghdoot.areas.consent.address_book import AddressBook
from meghdoot.areas.consent.imports import ImportService
from meghdoot.areas.consent.ports import ConsentLedger, Suppressions, WithdrawalLog
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.content.ports import Templates, TemplateUses, TemplateVersions
from meghdoot.areas.content.rules import check_template
from meghdoot.areas.content.service import TemplateService
from meghdoot.areas.customers.ports import AttributeDefinitions, Customers, Events
from meghdoot.areas.customers.service import CustomerService
from meghdoot.areas.messaging.composing import TemplateComposers
from meghdoot.areas.messaging.holding import Holds
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.ports import Audience, ChunkQueue, Chunks, Gates, RunCounters, RunLinks, Runs, SendRows
from meghdoot.areas.messaging.run_pace import RunPaceService
from meghdoot.areas.messaging.sending import SendingService
from meghdoot.areas.messaging.sent_messages import SentMessageService
from meghdoot.areas.messaging.service import RunService
from meghdoot.areas.messaging.singles.composition import SingleComposer
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.ports import Compositions, SingleRows, Singles, SingleTimers, UrgentQueue
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.areas.messaging.singles.service import SingleService
from meghdoot.areas.segments.model import Locale
from meghdoot.areas.segments.ports import QueryEngine, RefreshMachine, Segments
from meghdoot.areas.segments.service import SegmentService
from meghdoot.areas.tenants.ports import IdentityOwners, IdentityVerifier, Senders, Tenants
from meghdoot.areas.tenants.service import TenantService
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.idempotency import IdempotencyStore
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every adapter that the API's services need, by area."""

    clock: Clock
    ids: Ids
    entropy: Callable[[int], bytes]
    keyring: Keyring
    public_url: str
    tracking_url: str = ""
    idempotency: IdempotencyStore
    # tenants and access
    tenants: Tenants
    senders: Senders
    owners: IdentityOwners
    verifier: IdentityVerifier
    api_keys: ApiKeys
    audit: AuditLog
    # people and consent
    customers: Customers
    events: Events
    attributes: AttributeDefinitions
    ledger: ConsentLedger
    suppressions: Suppressions
    withdrawals: WithdrawalLog
    # content
    templates: Templates
    versions: TemplateVersions
    uses: TemplateUses
    # segments
    segments: Segments
    engine: QueryEngine
    refresher: RefreshMachine
    # campaigns
    campaigns: campaigning.Campaigns
    emails: campaigning.EmailCampaigns
    timers: campaigning.LaunchTimers
    machine: campaigning.RunMachine
    test_mail: campaigning.TestMail
    reach: campaigning.Reach
    # analytics
    figures: FiguresStore
    conversions: ConversionQuery
    # messaging
    runs: Runs
    run_links: RunLinks
    chunks: Chunks
    queue: ChunkQueue
    counters: RunCounters
    audience: Audience
    rows: SendRows
    mails: Mails
    pace: RunPaceService
    holds: Holds
    # single messages
    singles: Singles
    single_rows: SingleRows
    single_timers: SingleTimers
    urgent: UrgentQueue
    compositions: Compositions
    gates: Gates
    windows: Windows
    hours: TenantCounters
    marks: ReputationMarks
    limits: Limits


@dataclass(frozen=True, slots=True)
class Services:
    """What the views call."""

    tenants: TenantService
    access: AccessService
    customers: CustomerService
    consent: ConsentService
    addresses: AddressBook
    imports: ImportService
    templates: TemplateService
    segments: SegmentService
    refresher: RefreshMachine
    campaigns: CampaignService
    singles: SingleService
    emails: EmailCampaignService
    runs: RunService
    sent_messages: SentMessageService
    sending: SendingService
    pace: RunPaceService
    reputation: ReputationService
    reports: ReportService


def compose(p: Ports) -> Services:
    """All services over one set of adapters."""
    customers = CustomerService(p.customers, p.events, p.attributes, p.keyring, p.clock, p.ids)
    consent = ConsentService(p.ledger, p.suppressions, p.withdrawals, p.clock, p.ids)
    addresses = AddressBook(customers, consent)
    runs = RunService(p.runs, p.run_links, p.segments, p.chunks, p.queue, p.counters, p.clock, p.ids)
    emails = EmailCampaignService(_launcher(p, runs), p.test_mail)
    sending = SendingService(p.holds, runs, p.clock)
    tenants = TenantService(p.tenants, p.senders, p.owners, p.verifier, p.clock)
    return Services(
        tenants=tenants,
        access=AccessService(p.api_keys, p.audit, p.clock, p.ids, p.entropy),
        customers=customers,
        consent=consent,
        addresses=addresses,
        imports=ImportService(addresses),
        templates=TemplateService(p.templates, p.versions, p.uses, p.clock, p.ids),
        segments=SegmentService(p.segments, p.engine, _locale_of(p.tenants), p.clock, p.ids),
        refresher=p.refresher,
        campaigns=CampaignService(p.campaigns, emails, p.timers, KeptFigures(p.figures), p.clock, p.ids),
        emails=emails,
        runs=runs,
        sent_messages=SentMessageService(p.runs, p.chunks, p.audience, p.rows, p.mails),
        sending=sending,
        pace=p.pace,
        reputation=ReputationService(p.hours, p.marks, p.holds, sending, p.clock, p.limits),
        singles=_singles(p, tenants, customers),
        reports=ReportService(p.campaigns, p.emails, p.tenants, runs, p.counters, p.conversions, p.figures, p.clock),
    )


def _singles(p: Ports, tenants: TenantService, customers: CustomerService) -> SingleService:
    composer = SingleComposer(tenants, p.templates, p.versions, p.compositions, p.run_links, p.clock, p.public_url)
    mails = SingleMails(TemplateComposers(p.versions, MimeComposers()), p.keyring)
    guard = SingleGuard(p.gates, p.suppressions, p.keyring, p.clock)
    return SingleService(
        p.singles, p.single_rows, p.single_timers, p.urgent, composer, mails, guard, customers, tenants.get, p.clock,
        p.windows,
    )  # fmt: skip


def _launcher(p: Ports, runs: RunService) -> Launcher:
    rehearsal = Rehearsal(MimeComposers(), p.keyring, p.clock, p.public_url)
    checker = LaunchChecker(
        p.tenants, p.templates, p.senders, p.segments, p.reach, check_template, rehearsal, p.clock, p.holds
    )
    return Launcher(
        p.emails, p.campaigns, checker, p.versions, p.uses, runs, p.machine, p.timers, p.clock, p.ids, p.public_url,
        p.tracking_url,
    )  # fmt: skip


def _locale_of(tenants: Tenants) -> Callable[[str], Locale]:
    def locale(tenant: str) -> Locale:
        found = tenants.get(tenant, tenant)
        if found is None:
            raise NotFound("there is no such tenant", code="tenant_not_found")
        return Locale(found.zone, found.currency)

    return locale
