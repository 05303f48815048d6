"""What reports say, in the mission's own shape. Every rate's denominator stands in its docstring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from meghdoot.areas.analytics.model import Accounting
from meghdoot.kernel.money import Money


@dataclass(frozen=True, slots=True)
class CampaignInfo:
    """Which e-mail. `total_sent` counts people whose mail a provider took."""

    id: str
    name: str
    status: str
    sent_at: datetime | None
    total_sent: int


@dataclass(frozen=True, slots=True)
class DeliveryMetrics:
    """People by what the providers said. A complaint proves a delivery; a late bounce undoes one."""

    delivered: int
    bounced: int
    complained: int
    unknown: int
    """Nobody can tell whether the provider took it; not among the sent."""
    delivery_rate: float
    """delivered / sent."""


@dataclass(frozen=True, slots=True)
class EngagementMetrics:
    """People, not events. Machines that open or follow links are apart and in no rate."""

    opened: int
    clicked: int
    unsubscribed: int
    machine_opened: int
    machine_clicked: int
    open_rate: float
    """opened / delivered."""
    click_rate: float
    """clicked / delivered."""
    click_to_open_rate: float
    """clicked / opened."""
    unsubscribe_rate: float
    """unsubscribed / delivered."""


@dataclass(frozen=True, slots=True)
class ConversionMetrics:
    """Purchases that the mail brought, by `rule`, known up to `as_of` (None: nothing was sent)."""

    conversions: int
    revenue: Money
    conversion_rate: float
    """conversions / delivered."""
    revenue_per_email: Money
    """revenue / sent, half up to the currency's smallest unit."""
    rule: str
    as_of: datetime | None

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self.revenue.currency


@dataclass(frozen=True, slots=True)
class LinkPerformance:
    """People who followed one address."""

    url: str
    clicks: int
    click_rate: float
    """clicks / delivered."""


@dataclass(frozen=True, slots=True)
class EmailPerformance:
    """All about one e-mail campaign."""

    campaign_info: CampaignInfo
    delivery_metrics: DeliveryMetrics
    engagement_metrics: EngagementMetrics
    conversion_metrics: ConversionMetrics
    top_performing_links: tuple[LinkPerformance, ...]
    accounting: Accounting
    rates_over: Literal["delivered"] = "delivered"


@dataclass(frozen=True, slots=True)
class ChannelPerformance:
    """What one channel brought. `reach` counts people whom a message was delivered to, added up over messages."""

    reach: int
    clicks: int
    conversions: int
    revenue: Money


@dataclass(frozen=True, slots=True)
class CampaignOverview:
    """The sums over all channels, against the campaign's spending."""

    total_reach: int
    unique_clicks: int
    conversions: int
    revenue: Money
    spend: Money
    cost_per_acquisition: Money | None
    """spend / conversions; None without conversions."""
    return_on_ad_spend: float | None
    """revenue / spend; None when nothing was spent."""
    roi: float | None
    """(revenue - spend) / spend; None when nothing was spent."""


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """All about one campaign."""

    campaign_id: str
    currency: str
    overview: CampaignOverview
    channel_performance: Mapping[str, ChannelPerformance]
    as_of: datetime
