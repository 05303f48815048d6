"""E-mail campaigns, their launch and what came of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from meghdoot.areas.analytics.report import EmailPerformance
from meghdoot.areas.campaigns.model import EmailCampaign, EmailStatus, SendType
from meghdoot.areas.messaging.model import Run, RunStatus
from meghdoot.areas.messaging.pacing_model import StallReason
from meghdoot.areas.messaging.rules.pausing import pause_words
from meghdoot.areas.messaging.run_pace import RunPace, WaitingFor
from meghdoot.http.schemas.campaigns import LocalOrInstant
from meghdoot.http.schemas.common import (
    LEFT_OUT,
    Amount,
    Answer,
    Body,
    Email,
    Instant,
    Line,
    Name,
    PagedQuery,
    Plain,
    Ref,
    Zone,
)

Limit = Annotated[int, Field(ge=1, le=100_000_000)]
SenderName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\r\n]*\S[^\r\n]*$")]


class EmailCampaignBody(Body):
    """A new e-mail campaign."""

    campaign_name: Name = Field(examples=["Eid Special Offers"])
    subject_line: Line = Field(examples=["🌙 Exclusive Eid Offers"])
    subject_line_bn: Line | None = None
    sender_name: SenderName
    sender_email: Email
    template_id: Ref
    content: Plain = Field(
        default_factory=dict, examples=[{"headline": "Celebrate Eid", "cta_link": "https://shop.example/eid"}]
    )
    content_bn: Plain = Field(default_factory=dict)
    send_type: SendType = "immediate"
    scheduled_time: LocalOrInstant | None = None
    timezone: Zone = LEFT_OUT
    target_segments: list[Ref] = Field(default=LEFT_OUT, min_length=1, max_length=50)
    marketing_campaign_id: Ref | None = None
    hourly_limit: Limit | None = Field(default=None, description="Messages within one clock hour (UTC) at most.")
    daily_limit: Limit | None = Field(default=None, description="Messages within one UTC day at most.")


class EmailCampaignChange(Body):
    """What changes; only drafts and scheduled ones take changes, and an edit takes the approval back."""

    campaign_name: Name = LEFT_OUT
    subject_line: Line = LEFT_OUT
    subject_line_bn: Line | None = None
    sender_name: SenderName = LEFT_OUT
    sender_email: Email = LEFT_OUT
    template_id: Ref = LEFT_OUT
    content: Plain = LEFT_OUT
    content_bn: Plain = LEFT_OUT
    send_type: SendType = LEFT_OUT
    scheduled_time: LocalOrInstant | None = None
    timezone: Zone = LEFT_OUT
    target_segments: list[Ref] = Field(default=LEFT_OUT, min_length=1, max_length=50)
    marketing_campaign_id: Ref | None = None
    hourly_limit: Limit | None = Field(default=None, description="Null takes the limit away.")
    daily_limit: Limit | None = Field(default=None, description="Null takes the limit away.")


class EmailCampaignAnswer(Answer):
    """An e-mail campaign."""

    id: str
    marketing_campaign_id: str | None
    campaign_name: str
    subject_line: str
    subject_line_bn: str | None
    sender_name: str
    sender_email: str
    template_id: str
    template_version: int | None
    content: dict[str, Any]
    content_bn: dict[str, Any]
    send_type: SendType
    scheduled_time: Instant | None
    timezone: str
    target_segments: list[str]
    hourly_limit: int | None
    daily_limit: int | None
    status: EmailStatus
    run_id: str | None
    pause_reason: str | None
    approved_by: str | None
    approved_at: Instant | None
    sent_at: Instant | None
    created_by: str
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, e: EmailCampaign) -> EmailCampaignAnswer:
        """From the stored e-mail campaign."""
        return cls(
            id=e.id, marketing_campaign_id=e.marketing_campaign_id, campaign_name=e.campaign_name,
            subject_line=e.subject_line, subject_line_bn=e.subject_line_bn, sender_name=e.sender_name,
            sender_email=e.sender_email, template_id=e.template_id, template_version=e.template_version,
            content=dict(e.content), content_bn=dict(e.content_bn), send_type=e.send_type,
            scheduled_time=e.scheduled_time, timezone=e.timezone, target_segments=list(e.target_segments),
            status=e.status, run_id=e.run_id, pause_reason=e.pause_reason, approved_by=e.approved_by,
            approved_at=e.approved_at, sent_at=e.sent_at, created_by=e.created_by, created_at=e.created_at,
            updated_at=e.updated_at, version=e.version, hourly_limit=e.hourly_limit, daily_limit=e.daily_limit,
        )  # fmt: skip


class EmailCampaignListQuery(PagedQuery):
    """Filters of the list."""

    status: EmailStatus | None = None


class EmailCampaignList(Answer):
    """E-mail campaigns, newest change first."""

    email_campaigns: list[EmailCampaignAnswer]
    after: str | None


class ScheduleBody(Body):
    """When to send."""

    scheduled_time: LocalOrInstant = Field(examples=["2027-01-10T09:00:00+06:00"])
    timezone: Zone = LEFT_OUT


class LaunchAnswer(Answer):
    """The run that was started; ask for its accounting."""

    run_id: str
    email_campaign: EmailCampaignAnswer
    held: str | None = Field(description="Why nobody is sent anything yet: messages wait until sending is resumed.")
    version: int


class SampleBody(Body):
    """Where test mails go, and with which values. They go to these addresses only and count nowhere."""

    test_emails: list[Email] = Field(min_length=1, max_length=5)
    test_data: Plain = Field(default_factory=dict, examples=[{"customer_name": "Rahima"}])


class SampleRow(Answer):
    """What became of one test mail."""

    email: str
    outcome: str
    code: str | None


class SampleAnswer(Answer):
    """What became of the test mails."""

    results: list[SampleRow]


class CampaignInfo(Answer):
    """Which e-mail it was."""

    id: str
    name: str
    status: str
    sent_at: Instant | None
    total_sent: int


class DeliveryMetrics(Answer):
    """What the providers said. `delivery_rate` is over sent."""

    delivered: int
    bounced: int
    complained: int
    unknown: int
    delivery_rate: float


class EngagementMetrics(Answer):
    """People, not events; rates are over delivered, `click_to_open_rate` over opened. Machines are apart."""

    opened: int
    clicked: int
    unsubscribed: int
    open_rate: float
    click_rate: float
    unsubscribe_rate: float
    click_to_open_rate: float
    machine_opened: int
    machine_clicked: int


class ConversionMetrics(Answer):
    """Purchases that the e-mail brought. `conversion_rate` is over delivered, `revenue_per_email` over sent."""

    conversions: int
    revenue: Amount
    currency: str
    conversion_rate: float
    revenue_per_email: Amount
    attribution: str = Field(description="The rule by which a purchase belongs to a message.")
    as_of: Instant | None


class LinkPerformance(Answer):
    """One link; `click_rate` is over delivered."""

    url: str
    clicks: int
    click_rate: float


class AccountingAnswer(Answer):
    """Every person in exactly one state: the values of `people` add up to `audience`, at every instant."""

    audience: int
    people: dict[str, int]


class EmailPerformanceAnswer(Answer):
    """What came of an e-mail campaign."""

    campaign_info: CampaignInfo
    delivery_metrics: DeliveryMetrics
    engagement_metrics: EngagementMetrics
    conversion_metrics: ConversionMetrics
    top_performing_links: list[LinkPerformance]
    accounting: AccountingAnswer

    @classmethod
    def of(cls, p: EmailPerformance) -> EmailPerformanceAnswer:
        """From the report."""
        c = p.conversion_metrics
        return cls(
            campaign_info=CampaignInfo(**_plain(p.campaign_info)),
            delivery_metrics=DeliveryMetrics(**_plain(p.delivery_metrics)),
            engagement_metrics=EngagementMetrics(**_plain(p.engagement_metrics)),
            conversion_metrics=ConversionMetrics(
                conversions=c.conversions, revenue=c.revenue.decimal(), currency=c.currency,
                conversion_rate=c.conversion_rate, revenue_per_email=c.revenue_per_email.decimal(),
                attribution=c.rule, as_of=c.as_of,
            ),
            top_performing_links=[LinkPerformance(**_plain(link)) for link in p.top_performing_links],
            accounting=AccountingAnswer(audience=p.accounting.audience, people=dict(p.accounting.people)),
        )  # fmt: skip


def _plain(report: Any) -> dict[str, Any]:
    return {f.name: getattr(report, f.name) for f in fields(report)}


class WordsAnswer(Answer):
    """A sentence in each language."""

    en: str
    bn: str

    @classmethod
    def of(cls, reason: str | None) -> WordsAnswer | None:
        """The words behind a reason to pause."""
        en, bn = pause_words(reason, "en"), pause_words(reason, "bn")
        return None if en is None or bn is None else cls(en=en, bn=bn)


class WaitingAnswer(Answer):
    """Why a run with work left gets nothing sent at present."""

    reason: StallReason
    words: str
    words_bn: str
    since: Instant
    until: Instant = Field(description="When it is tried again, as far as is known.")

    @classmethod
    def of(cls, w: WaitingFor | None) -> WaitingAnswer | None:
        """From the service's answer."""
        if w is None:
            return None
        return cls(reason=w.reason, words=w.words, words_bn=w.words_bn, since=w.since, until=w.until)


class RunAnswer(Answer):
    """A run and where its people are."""

    id: str
    campaign_id: str | None
    email_campaign_id: str
    channel: str
    purpose: str
    status: RunStatus
    pause_reason: str | None = Field(description="A stable code, or what the person said who paused it.")
    pause_words: WordsAnswer | None = Field(description="The same as a sentence, and what to do about it.")
    held: str | None = Field(description="What keeps all messages of the tenant back now; see `/sending`.")
    started_at: Instant
    finished_at: Instant | None
    accounting: AccountingAnswer
    hourly_limit: int | None
    daily_limit: int | None
    hourly_sent: int | None = Field(description="Of this clock hour (UTC); null without a limit.")
    daily_sent: int | None = Field(description="Of this UTC day; null without a limit.")
    limit_reached: bool
    waiting_for: WaitingAnswer | None
    version: int

    @classmethod
    def of(cls, r: Run, accounting: AccountingAnswer, held: str | None, pace: RunPace) -> RunAnswer:
        """From the stored run."""
        return cls(
            id=r.id, campaign_id=r.campaign_id, email_campaign_id=r.email_campaign_id, channel=r.channel,
            purpose=r.purpose, status=r.status, pause_reason=r.pause_reason,
            pause_words=WordsAnswer.of(r.pause_reason), held=held, started_at=r.started_at, finished_at=r.finished_at,
            accounting=accounting, version=r.version, hourly_limit=r.hourly_limit, daily_limit=r.daily_limit,
            hourly_sent=pace.hourly_sent, daily_sent=pace.daily_sent, limit_reached=pace.limit_reached,
            waiting_for=WaitingAnswer.of(pace.waiting_for),
        )  # fmt: skip
