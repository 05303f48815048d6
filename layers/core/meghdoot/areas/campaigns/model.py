"""Campaigns, their e-mails, and the states both go through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from meghdoot.kernel.money import Money

CampaignType = Literal["awareness", "acquisition", "retention", "conversion", "loyalty", "reactivation"]
CampaignObjective = Literal[
    "brand_awareness", "lead_generation", "sales", "app_downloads", "website_traffic", "engagement"
]
CampaignStatus = Literal["draft", "scheduled", "active", "paused", "completed", "cancelled"]
CampaignChannel = Literal[
    "email", "sms", "push_notification", "social_media", "affiliate", "direct", "organic_search", "paid_search",
    "whatsapp", "inbox", "discount",
]  # fmt: skip
Cadence = Literal["one_time", "recurring", "triggered", "drip"]
Kind = Literal["blast", "journey"]
SendType = Literal["immediate", "scheduled", "triggered"]
EmailStatus = Literal["draft", "scheduled", "sending", "sent", "paused", "cancelled"]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a vendor wants to reach, over all channels. Aggregates its channel campaigns."""

    tenant: str
    id: str
    campaign_name: str
    campaign_type: CampaignType
    campaign_objective: CampaignObjective
    status: CampaignStatus
    channels: tuple[CampaignChannel, ...]
    currency: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    campaign_name_bn: str | None = None
    description: str | None = None
    cadence: Cadence = "one_time"
    kind: Kind = "blast"
    budget: Money | None = None
    spent_amount: Money | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    target_audience: Mapping[str, Any] = field(default_factory=dict)
    content_settings: Mapping[str, Any] = field(default_factory=dict)
    automation_rules: Mapping[str, Any] = field(default_factory=dict)
    performance_goals: Mapping[str, Any] = field(default_factory=dict)
    approved_by: str | None = None
    approved_at: datetime | None = None
    approved_version: int | None = None
    """The version that was approved: an edit afterwards takes the approval back."""
    updated_by: str | None = None
    """Who edited last; with four eyes they may not approve either."""
    version: int = 1


@dataclass(frozen=True, slots=True)
class EmailCampaign:
    """The e-mail of a campaign: subject, sender, template, segments and time."""

    tenant: str
    id: str
    campaign_name: str
    subject_line: str
    sender_name: str
    sender_email: str
    template_id: str
    status: EmailStatus
    send_type: SendType
    timezone: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    marketing_campaign_id: str | None = None
    subject_line_bn: str | None = None
    template_version: int | None = None
    """Pinned at launch; None follows the newest until then."""
    content: Mapping[str, Any] = field(default_factory=dict)
    content_bn: Mapping[str, Any] = field(default_factory=dict)
    target_segments: tuple[str, ...] = ()
    scheduled_time: datetime | None = None
    run_id: str | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    pause_reason: str | None = None
    sent_at: datetime | None = None
    updated_by: str | None = None
    """Who edited last; with four eyes they may not approve either."""
    version: int = 1
    hourly_limit: int | None = None
    """Messages that its run may send within one clock hour (UTC); None for no limit."""
    daily_limit: int | None = None
    """The same within one UTC day."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a campaign brought so far: people reached, conversions and revenue."""

    reach: int
    conversions: int
    revenue: Money
