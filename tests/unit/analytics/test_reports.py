"""Reports: the mission's numbers come out where its arithmetic is right, and every rate has its denominator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.adapters.memory.campaigns import memory_campaigns, memory_email_campaigns
from meghdoot.adapters.memory.counters import memory_figures
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.analytics import rules
from meghdoot.areas.analytics.model import Conversions
from meghdoot.areas.analytics.report import ChannelPerformance
from meghdoot.areas.analytics.service import KeptFigures, ReportService
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign, Figures
from meghdoot.areas.content.model import Footer, Link
from meghdoot.areas.messaging.model import Run, RunContent
from meghdoot.areas.tenants.model import Tenant
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.money import Money

SENT_AT = datetime(2024, 4, 15, 9, 0, tzinfo=UTC)
TENANT = Tenant(
    id="acme", name="Acme", postal_address="x", privacy_url=None, zone="Asia/Dhaka", currency="BDT",
    tracking_domain=None, attribution_days=7, default_language="en", four_eyes=False, approval_required=False,
    daily_cap=None, weekly_cap=None, test_only=True, created_at=SENT_AT, updated_at=SENT_AT,
)  # fmt: skip
EMAIL = EmailCampaign(
    tenant="acme", id="m1", campaign_name="Eid Special Offers", subject_line="s", sender_name="n",
    sender_email="a@b.example", template_id="t", status="sent", send_type="immediate", timezone="Asia/Dhaka",
    created_by="e", created_at=SENT_AT, updated_at=SENT_AT, marketing_campaign_id="c1", run_id="r1", sent_at=SENT_AT,
)  # fmt: skip
CAMPAIGN = Campaign(
    tenant="acme", id="c1", campaign_name="Eid", campaign_type="acquisition", campaign_objective="sales",
    status="active", channels=("email",), currency="BDT", created_by="e", created_at=SENT_AT, updated_at=SENT_AT,
    spent_amount=Money(1_500_000, "BDT"),
)  # fmt: skip
LINKS = (Link(1, "https://shop.example/eid-offers"), Link(2, "https://shop.example/new"), Link(3, "https://x.example"))
CONTENT = RunContent(
    template_id="t", template_version=1, subject_line="s", subject_line_bn=None, sender_name="n",
    sender_email="a@b.example", reply_to=None, languages=("en",), default_language="en",
    footer=Footer("n", "a", None), public_url="https://m.example", links=LINKS,
)  # fmt: skip
RUN = Run(
    "acme", "r1", "c1", "m1", "email", "marketing", "done", ("s",), CONTENT, SENT_AT, SENT_AT, SENT_AT, SENT_AT, 7
)
PEOPLE = {"delivered": 8195, "complained": 5, "bounced": 300, "failed": 20, "skipped:no_consent": 480}
TOTALS = {
    "open": 2050, "click": 485, "unsubscribe": 25, "machine_open": 900, "machine_click": 40, "link:1": 320, "link:2": 7,
}  # fmt: skip


class Known:
    """Runs, counters and attribution that say what a test tells them to."""

    def __init__(self, people: dict[str, int], totals: dict[str, int], found: Conversions) -> None:
        self.people, self.sums, self.found, self.asked = people, totals, found, {}

    def get(self, tenant: str, run_id: str) -> Run:
        if (tenant, run_id) != ("acme", "r1"):
            raise NotFound("there is no such run")
        return RUN

    def accounting(self, run: Run) -> dict[str, int]:
        return self.people

    def totals(self, tenant: str, run_id: str) -> dict[str, int]:
        return self.sums

    def conversions(self, tenant: str, run_id: str, **asked: Any) -> Conversions:
        self.asked = asked
        return self.found


def service(
    people: dict[str, int] = PEOPLE, totals: dict[str, int] = TOTALS, count: int = 95, revenue: int = 28_500_000
) -> ReportService:
    known = Known(people, totals, Conversions(count, count, Money(revenue, "BDT"), SENT_AT))
    campaigns, emails, tenants = memory_campaigns(), memory_email_campaigns(), MemoryRecords[Tenant]("tenant")
    campaigns.add(CAMPAIGN)
    emails.add(EMAIL)
    tenants.add(TENANT)
    return ReportService(campaigns, emails, tenants, known, known, known, memory_figures(), ManualClock(SENT_AT))


def test_the_report_of_the_mission_has_the_numbers_of_the_mission() -> None:
    report = service().performance("acme", "m1")
    assert (report.campaign_info.name, report.campaign_info.sent_at) == ("Eid Special Offers", SENT_AT)
    assert report.campaign_info.total_sent == 8500
    assert (report.delivery_metrics.delivered, report.delivery_metrics.bounced) == (8200, 300)
    assert round(report.delivery_metrics.delivery_rate, 3) == 0.965  # KPI-01
    assert report.engagement_metrics.open_rate == 0.25  # KPI-02
    assert round(report.engagement_metrics.click_to_open_rate, 3) == 0.237  # KPI-07
    assert report.conversion_metrics.revenue_per_email == Money(3353, "BDT")  # KPI-11
    assert round(report.top_performing_links[0].click_rate, 3) == 0.039  # KPI-12
    assert report.rates_over == "delivered"


def test_click_and_conversion_rates_are_over_delivered_where_the_mission_says_sent() -> None:
    report = service().performance("acme", "m1")
    assert report.engagement_metrics.click_rate == 0.0591  # 485 / 8200; the mission's 0.057 is over sent
    assert report.conversion_metrics.conversion_rate == 0.0116  # 95 / 8200; the mission's 0.011 is over sent
    assert report.engagement_metrics.unsubscribe_rate == 0.003


@pytest.mark.parametrize(
    ("row", "part", "whole", "rate"),
    [
        ("KPI-01", 2420, 2500, 0.968), ("KPI-01", 9800, 10_000, 0.98), ("KPI-02", 2450, 9800, 0.25),
        ("KPI-05", 490, 9800, 0.05), ("KPI-09", 49, 9800, 0.005),
    ],
)  # fmt: skip
def test_the_other_rows_of_the_mission_come_out_too(row: str, part: int, whole: int, rate: float) -> None:
    people = {"delivered": part, "bounced": whole - part} if row == "KPI-01" else {"delivered": whole}
    report = service(people, {"open": part, "click": part}, count=part).performance("acme", "m1")
    found = {
        "KPI-01": report.delivery_metrics.delivery_rate,
        "KPI-02": report.engagement_metrics.open_rate,
        "KPI-05": report.engagement_metrics.click_rate,
        "KPI-09": report.conversion_metrics.conversion_rate,
    }
    assert found[row] == rate


def test_machines_are_shown_apart_and_in_no_rate() -> None:
    engagement = service().performance("acme", "m1").engagement_metrics
    assert (engagement.machine_opened, engagement.machine_clicked) == (900, 40)
    assert (engagement.opened, engagement.clicked) == (2050, 485)


def test_every_person_of_the_audience_stands_in_the_accounting() -> None:
    accounting = service().performance("acme", "m1").accounting
    assert accounting.audience == sum(accounting.people.values()) == 9000


def test_links_are_listed_by_people_and_those_nobody_followed_are_left_out() -> None:
    links = service().performance("acme", "m1").top_performing_links
    assert [(link.url, link.clicks) for link in links] == [(LINKS[0].url, 320), (LINKS[1].url, 7)]


def test_before_the_launch_all_is_zero() -> None:
    reports = service()
    reports.emails.replace(replace(EMAIL, run_id=None, sent_at=None, status="draft", version=2), 1)
    report = reports.performance("acme", "m1")
    assert report.campaign_info.total_sent == report.accounting.audience == 0
    assert (report.delivery_metrics.delivery_rate, report.engagement_metrics.open_rate) == (0.0, 0.0)
    assert (report.conversion_metrics.revenue, report.conversion_metrics.as_of) == (Money(0, "BDT"), None)
    assert report.conversion_metrics.rule == "last_touch:click_then_delivery"


def test_a_report_between_the_commit_of_a_launch_and_its_run_is_empty_and_no_error() -> None:
    reports = service()
    reports.emails.replace(replace(EMAIL, run_id="soon", version=2), 1)
    assert reports.performance("acme", "m1").accounting.audience == 0


def test_attribution_is_asked_with_the_window_of_the_run_and_the_zone_of_the_tenant() -> None:
    reports = service()
    reports.performance("acme", "m1")
    asked = reports.conversions.asked  # type: ignore[attr-defined]
    assert asked == {"window_days": 7, "currency": "BDT", "now": SENT_AT, "zone": "Asia/Dhaka"}


def test_a_campaign_sums_its_emails_and_sets_them_against_its_spending() -> None:
    reports = service(count=245, revenue=48_500_000)
    report = reports.campaign_analytics("acme", "c1")
    overview = report.overview
    assert (overview.total_reach, overview.unique_clicks, overview.conversions) == (8200, 485, 245)
    assert overview.cost_per_acquisition == Money(6122, "BDT")  # KPI-16
    assert overview.return_on_ad_spend == 32.3333  # KPI-18: the mission prints 3.23, its sums give this
    assert overview.roi == 31.3333
    assert report.channel_performance["email"] == ChannelPerformance(8200, 485, 245, Money(48_500_000, "BDT"))


def test_the_last_report_of_a_campaign_is_kept_for_lists() -> None:
    reports = service(count=245, revenue=48_500_000)
    reports.campaign_analytics("acme", "c1")
    reports.campaign_analytics("acme", "c1")
    assert KeptFigures(reports.figures).of("acme") == {"c1": Figures(8200, 245, Money(48_500_000, "BDT"))}
    assert KeptFigures(reports.figures).of("other") == {}


def test_without_spending_there_is_no_return_and_without_conversions_no_cost_of_one() -> None:
    reports = service(count=0, revenue=0)
    reports.campaigns.replace(replace(CAMPAIGN, spent_amount=None, version=2), 1)
    overview = reports.campaign_analytics("acme", "c1").overview
    assert (overview.roi, overview.return_on_ad_spend, overview.cost_per_acquisition) == (None, None, None)


def test_reports_of_another_tenant_do_not_exist() -> None:
    reports = service()
    for act in (lambda: reports.performance("other", "m1"), lambda: reports.campaign_analytics("other", "c1")):
        with pytest.raises(NotFound):
            act()


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_money_is_shared_half_up_and_never_off_by_more_than_half_a_unit(minor: int, parts: int) -> None:
    each = rules.share(Money(minor, "BDT"), parts).minor
    assert -parts < 2 * (minor - each * parts) <= parts or 2 * (each * parts - minor) == parts
    assert rules.share(Money(5, "BDT"), 2).minor == 3
    assert rules.share(Money(5, "BDT"), 0).minor == 0


@given(
    st.dictionaries(st.sampled_from(["accepted", "delivered", "bounced", "complained", "failed"]), st.integers(0, 999))
)
def test_no_rate_of_delivery_leaves_the_range_of_rates(people: dict[str, int]) -> None:
    metrics = rules.delivery(people)
    assert 0.0 <= metrics.delivery_rate <= 1.0
    assert metrics.delivered + metrics.bounced <= rules.sent(people)
