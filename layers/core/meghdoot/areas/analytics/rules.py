"""The arithmetic of reports. All of it is whole numbers until a rate is rounded, half up, to four places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from meghdoot.areas.analytics.model import ATTRIBUTION_RULE, Conversions
from meghdoot.areas.analytics.report import (
    CampaignOverview,
    ChannelPerformance,
    ConversionMetrics,
    DeliveryMetrics,
    EmailPerformance,
    EngagementMetrics,
    LinkPerformance,
)
from meghdoot.areas.content.model import Link
from meghdoot.kernel.money import Money, ratio

TOP_LINKS = 10
_ACCEPTED = ("accepted", "delivered", "bounced", "complained")


def share(money: Money, parts: int) -> Money:
    """Money divided, half up to the smallest unit; nothing when there are no parts."""
    if parts == 0:
        return Money(0, money.currency)
    exact = Decimal(money.minor) / Decimal(parts)
    return Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)), money.currency)


def sent(people: Mapping[str, int]) -> int:
    """People whose mail a provider took."""
    return sum(people.get(state, 0) for state in _ACCEPTED)


def delivery(people: Mapping[str, int]) -> DeliveryMetrics:
    """From the accounting of a run."""
    complained = people.get("complained", 0)
    delivered = people.get("delivered", 0) + complained
    return DeliveryMetrics(
        delivered=delivered,
        bounced=people.get("bounced", 0),
        complained=complained,
        unknown=people.get("unknown", 0),
        delivery_rate=ratio(delivered, sent(people)),
    )


def engagement(totals: Mapping[str, int], delivered: int) -> EngagementMetrics:
    """From the counters of a run."""
    opened, clicked = totals.get("open", 0), totals.get("click", 0)
    unsubscribed = totals.get("unsubscribe", 0)
    return EngagementMetrics(
        opened=opened,
        clicked=clicked,
        unsubscribed=unsubscribed,
        machine_opened=totals.get("machine_open", 0),
        machine_clicked=totals.get("machine_click", 0),
        open_rate=ratio(opened, delivered),
        click_rate=ratio(clicked, delivered),
        click_to_open_rate=ratio(clicked, opened),
        unsubscribe_rate=ratio(unsubscribed, delivered),
    )


def conversion(found: Conversions | None, currency: str, delivered: int, total_sent: int) -> ConversionMetrics:
    """From attribution; None stands for an e-mail that was never sent."""
    if found is None:
        nothing = Money(0, currency)
        return ConversionMetrics(0, nothing, 0.0, nothing, ATTRIBUTION_RULE, None)
    return ConversionMetrics(
        conversions=found.count,
        revenue=found.revenue,
        conversion_rate=ratio(found.count, delivered),
        revenue_per_email=share(found.revenue, total_sent),
        rule=found.rule,
        as_of=found.as_of,
    )


def top_links(links: Sequence[Link], totals: Mapping[str, int], delivered: int) -> tuple[LinkPerformance, ...]:
    """The addresses that most people followed, at most ten; those that nobody followed are left out."""
    rows = [(totals.get(f"link:{link.number}", 0), link) for link in links]
    best = sorted((row for row in rows if row[0] > 0), key=lambda row: (-row[0], row[1].number))[:TOP_LINKS]
    return tuple(LinkPerformance(link.url, clicks, ratio(clicks, delivered)) for clicks, link in best)


def channel(reports: Iterable[EmailPerformance], currency: str) -> ChannelPerformance:
    """The e-mails of a campaign together. A purchase stands under one e-mail only, so sums count it once."""
    reach = clicks = conversions = revenue = 0
    for report in reports:
        reach += report.delivery_metrics.delivered
        clicks += report.engagement_metrics.clicked
        conversions += report.conversion_metrics.conversions
        revenue += report.conversion_metrics.revenue.minor
    return ChannelPerformance(reach, clicks, conversions, Money(revenue, currency))


def overview(channels: Iterable[ChannelPerformance], spend: Money) -> CampaignOverview:
    """The channels together, against the spending."""
    parts = list(channels)
    revenue = sum(c.revenue.minor for c in parts)
    conversions = sum(c.conversions for c in parts)
    return CampaignOverview(
        total_reach=sum(c.reach for c in parts),
        unique_clicks=sum(c.clicks for c in parts),
        conversions=conversions,
        revenue=Money(revenue, spend.currency),
        spend=spend,
        cost_per_acquisition=share(spend, conversions) if conversions else None,
        return_on_ad_spend=ratio(revenue, spend.minor) if spend.minor else None,
        roi=ratio(revenue - spend.minor, spend.minor) if spend.minor else None,
    )
