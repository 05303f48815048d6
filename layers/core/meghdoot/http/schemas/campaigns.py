"""Campaigns in the mission's shape."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from meghdoot.areas.analytics.report import CampaignReport
from meghdoot.areas.campaigns.model import (
    Cadence,
    Campaign,
    CampaignChannel,
    CampaignObjective,
    CampaignStatus,
    CampaignType,
    Figures,
    Kind,
)
from meghdoot.http.schemas.common import (
    LEFT_OUT,
    Amount,
    Answer,
    Body,
    Currency,
    Instant,
    Name,
    PagedQuery,
    Plain,
    amount,
)
from meghdoot.kernel.money import Money, ratio

StoreType = Literal["email", "sms", "social", "discount"]


def _in_range(at: datetime) -> datetime:
    if not 1970 <= at.year <= 9998:
        raise ValueError("the year must be between 1970 and 9998")
    return at


LocalOrInstant = Annotated[datetime, AfterValidator(_in_range)]
"""RFC 3339; without an offset it is a local time in the campaign's or the tenant's time zone."""
Positive = Annotated[Amount, Field(ge=0)]


class CampaignBody(Body):
    """A new campaign."""

    campaign_name: Name = Field(examples=["Eid Collection Launch"])
    campaign_name_bn: Name | None = Field(default=None, examples=["ঈদ কালেকশন লঞ্চ"])
    description: Annotated[str, Field(min_length=1, max_length=5000)] | None = None
    campaign_type: CampaignType | StoreType = Field(
        description="The purpose; `email`, `sms`, `social` and `discount` set the channel."
    )
    campaign_objective: CampaignObjective = LEFT_OUT
    cadence: Cadence = "one_time"
    kind: Kind = "blast"
    channels: list[CampaignChannel] = Field(default=LEFT_OUT, min_length=1, max_length=11)
    currency: Currency = LEFT_OUT
    budget: Positive | None = Field(default=None, examples=[50000.0])
    start_date: LocalOrInstant | None = None
    end_date: LocalOrInstant | None = None
    target_audience: Plain = Field(default_factory=dict)
    content_settings: Plain = Field(default_factory=dict)
    automation_rules: Plain = Field(default_factory=dict)
    performance_goals: Plain = Field(default_factory=dict)


class CampaignChange(Body):
    """What changes; fields that are left out stay. A running campaign lets change only what reaches no message."""

    campaign_name: Name = LEFT_OUT
    campaign_name_bn: Name | None = None
    description: Annotated[str, Field(min_length=1, max_length=5000)] | None = None
    campaign_type: CampaignType | StoreType = LEFT_OUT
    campaign_objective: CampaignObjective = LEFT_OUT
    cadence: Cadence = LEFT_OUT
    kind: Kind = LEFT_OUT
    channels: list[CampaignChannel] = Field(default=LEFT_OUT, min_length=1, max_length=11)
    currency: Currency = LEFT_OUT
    budget: Positive | None = None
    spent_amount: Positive | None = None
    start_date: LocalOrInstant | None = None
    end_date: LocalOrInstant | None = None
    target_audience: Plain = LEFT_OUT
    content_settings: Plain = LEFT_OUT
    automation_rules: Plain = LEFT_OUT
    performance_goals: Plain = LEFT_OUT


class CampaignPerformance(Answer):
    """What the campaign has reached so far. `roi = (revenue - spend) / spend`, `roas = revenue / spend`."""

    reach: int
    conversions: int
    revenue: Amount
    roi: float | None
    roas: float | None

    @classmethod
    def of(cls, figures: Figures, spent: Money | None) -> CampaignPerformance:
        """From what was last reported; rates only against money that was spent in the same currency."""
        same = spent is not None and spent.minor > 0 and spent.currency == figures.revenue.currency
        roas = ratio(figures.revenue.minor, spent.minor) if spent is not None and same else None
        return cls(
            reach=figures.reach, conversions=figures.conversions, revenue=figures.revenue.decimal(),
            roi=None if roas is None else round(roas - 1, 4), roas=roas,
        )  # fmt: skip


class CampaignAnswer(Answer):
    """A campaign."""

    id: str
    campaign_name: str
    campaign_name_bn: str | None
    description: str | None
    campaign_type: CampaignType
    campaign_objective: CampaignObjective
    cadence: Cadence
    kind: Kind
    status: CampaignStatus
    channels: list[CampaignChannel]
    currency: str
    budget: Amount | None
    spent_amount: Amount | None
    start_date: Instant | None
    end_date: Instant | None
    target_audience: dict[str, Any]
    content_settings: dict[str, Any]
    automation_rules: dict[str, Any]
    performance_goals: dict[str, Any]
    created_by: str
    approved_by: str | None
    approved_at: Instant | None
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, c: Campaign) -> CampaignAnswer:
        """From the stored campaign."""
        return cls(**_fields(c))


class CampaignRow(CampaignAnswer):
    """A campaign of a list, with what it had brought when its report was last made."""

    performance: CampaignPerformance | None

    @classmethod
    def with_figures(cls, c: Campaign, figures: Figures | None) -> CampaignRow:
        """From the stored campaign and its figures."""
        performance = None if figures is None else CampaignPerformance.of(figures, c.spent_amount)
        return cls(**_fields(c), performance=performance)


def _fields(c: Campaign) -> dict[str, Any]:
    return {
        "id": c.id, "campaign_name": c.campaign_name, "campaign_name_bn": c.campaign_name_bn,
        "description": c.description, "campaign_type": c.campaign_type, "campaign_objective": c.campaign_objective,
        "cadence": c.cadence, "kind": c.kind, "status": c.status, "channels": list(c.channels), "currency": c.currency,
        "budget": amount(c.budget), "spent_amount": amount(c.spent_amount), "start_date": c.start_date,
        "end_date": c.end_date, "target_audience": dict(c.target_audience),
        "content_settings": dict(c.content_settings), "automation_rules": dict(c.automation_rules),
        "performance_goals": dict(c.performance_goals), "created_by": c.created_by, "approved_by": c.approved_by,
        "approved_at": c.approved_at, "created_at": c.created_at, "updated_at": c.updated_at, "version": c.version,
    }  # fmt: skip


class CampaignListQuery(PagedQuery):
    """Filters of the list."""

    status: CampaignStatus | None = None
    campaign_type: CampaignType | None = None


class CampaignSummary(Answer):
    """Sums over all campaigns that meet the filters and have the tenant's currency."""

    currency: str
    total_budget: Amount
    total_spent: Amount
    total_revenue: Amount
    overall_roi: float | None
    other_currencies: int = Field(description="Campaigns in other currencies: counted, not added.")


class CampaignList(Answer):
    """Campaigns, newest change first."""

    campaigns: list[CampaignRow]
    total_count: int
    summary: CampaignSummary
    after: str | None


class CampaignOverview(Answer):
    """Totals over all channels. Ratios are null where there is nothing to divide by."""

    total_reach: int
    unique_clicks: int
    conversions: int
    revenue: Amount
    spend: Amount
    cost_per_acquisition: Amount | None
    return_on_ad_spend: float | None
    roi: float | None


class ChannelPerformanceAnswer(Answer):
    """One channel's part."""

    reach: int
    clicks: int
    conversions: int
    revenue: Amount


class CampaignAnalytics(Answer):
    """A campaign's analytics."""

    campaign_id: str
    currency: str
    overview: CampaignOverview
    channel_performance: dict[str, ChannelPerformanceAnswer]
    as_of: Instant

    @classmethod
    def of(cls, report: CampaignReport) -> CampaignAnalytics:
        """From the report."""
        o = report.overview
        return cls(
            campaign_id=report.campaign_id,
            currency=report.currency,
            overview=CampaignOverview(
                total_reach=o.total_reach, unique_clicks=o.unique_clicks, conversions=o.conversions,
                revenue=o.revenue.decimal(), spend=o.spend.decimal(),
                cost_per_acquisition=amount(o.cost_per_acquisition), return_on_ad_spend=o.return_on_ad_spend, roi=o.roi,
            ),
            channel_performance={
                name: ChannelPerformanceAnswer(
                    reach=c.reach, clicks=c.clicks, conversions=c.conversions, revenue=c.revenue.decimal()
                )
                for name, c in report.channel_performance.items()
            },
            as_of=report.as_of,
        )  # fmt: skip


class ReasonBody(Body):
    """Why, for the audit log."""

    reason: Annotated[str, Field(min_length=1, max_length=255)] | None = None
