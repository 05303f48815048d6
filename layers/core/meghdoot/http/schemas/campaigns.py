"""Campaigns in the mission's shape."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from meghdoot.areas.campaigns.model import (
    Cadence,
    Campaign,
    CampaignChannel,
    CampaignObjective,
    CampaignStatus,
    CampaignType,
    Kind,
)
from meghdoot.http.schemas.common import Amount, Answer, Body, Currency, Instant, Name, PagedQuery, Plain, amount

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
    campaign_objective: CampaignObjective | None = None
    cadence: Cadence = "one_time"
    kind: Kind = "blast"
    channels: list[CampaignChannel] | None = Field(default=None, min_length=1, max_length=11)
    currency: Currency | None = None
    budget: Positive | None = Field(default=None, examples=[50000.0])
    start_date: LocalOrInstant | None = None
    end_date: LocalOrInstant | None = None
    target_audience: Plain = Field(default_factory=dict)
    content_settings: Plain = Field(default_factory=dict)
    automation_rules: Plain = Field(default_factory=dict)
    performance_goals: Plain = Field(default_factory=dict)


class CampaignChange(Body):
    """What changes; fields that are left out stay. A running campaign lets change only what reaches no message."""

    campaign_name: Name | None = None
    campaign_name_bn: Name | None = None
    description: Annotated[str, Field(min_length=1, max_length=5000)] | None = None
    campaign_type: CampaignType | StoreType | None = None
    campaign_objective: CampaignObjective | None = None
    cadence: Cadence | None = None
    kind: Kind | None = None
    channels: list[CampaignChannel] | None = Field(default=None, min_length=1, max_length=11)
    currency: Currency | None = None
    budget: Positive | None = None
    spent_amount: Positive | None = None
    start_date: LocalOrInstant | None = None
    end_date: LocalOrInstant | None = None
    target_audience: Plain | None = None
    content_settings: Plain | None = None
    automation_rules: Plain | None = None
    performance_goals: Plain | None = None


class CampaignPerformance(Answer):
    """What the campaign has reached so far. `roi = (revenue - spend) / spend`, `roas = revenue / spend`."""

    reach: int
    conversions: int
    revenue: Amount
    roi: float
    roas: float


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
    """A campaign of a list, with its performance."""

    performance: CampaignPerformance | None

    @classmethod
    def with_performance(cls, c: Campaign, performance: CampaignPerformance | None) -> CampaignRow:
        """From the stored campaign and what it reached."""
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
    overall_roi: float


class CampaignList(Answer):
    """Campaigns, newest change first."""

    campaigns: list[CampaignRow]
    total_count: int
    summary: CampaignSummary
    after: str | None


class CampaignOverview(Answer):
    """Totals over all channels."""

    total_reach: int
    unique_clicks: int
    conversions: int
    revenue: Amount
    cost_per_acquisition: Amount | None
    return_on_ad_spend: float
    roi: float


class ChannelPerformance(Answer):
    """One channel's part."""

    reach: int
    conversions: int
    revenue: Amount


class CampaignAnalytics(Answer):
    """A campaign's analytics."""

    campaign_id: str
    currency: str
    overview: CampaignOverview
    channel_performance: dict[str, ChannelPerformance]


class ReasonBody(Body):
    """Why, for the audit log."""

    reason: Annotated[str, Field(min_length=1, max_length=255)] | None = None
