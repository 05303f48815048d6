"""Campaigns: what is planned, approved, launched and steered."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.areas.campaigns.service import Summary
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import numbered
from meghdoot.http.schemas.campaigns import (
    CampaignAnalytics,
    CampaignAnswer,
    CampaignList,
    CampaignRow,
    CampaignSummary,
)
from meghdoot.http.schemas.common import given
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def create_campaign(services: Services, call: Call) -> CampaignAnswer:
    campaign = services.campaigns.create(call.principal, given(call.body))
    note(services, call, "campaign.create", campaign.id)
    return CampaignAnswer.of(campaign)


@resource.view
def list_campaigns(services: Services, call: Call) -> CampaignList:
    query = call.query
    number = numbered(call.cursors, query.limit, query.after, query.page)
    found = services.campaigns.page(
        call.tenant, status=query.status, campaign_type=query.campaign_type, page=number, limit=query.limit
    )
    more = number * query.limit < found.total_count
    return CampaignList(
        campaigns=[CampaignRow.with_figures(c, found.figures.get(c.id)) for c in found.campaigns],
        total_count=found.total_count,
        summary=_summary(found.summary),
        after=call.cursors.write(str(number + 1)) if more else None,
    )


def _summary(s: Summary) -> CampaignSummary:
    return CampaignSummary(
        currency=s.total_budget.currency, total_budget=s.total_budget.decimal(), total_spent=s.total_spent.decimal(),
        total_revenue=s.total_revenue.decimal(), overall_roi=s.overall_roi, other_currencies=s.other_currencies,
    )  # fmt: skip


@resource.view
def get_campaign(services: Services, call: Call) -> CampaignAnswer:
    return CampaignAnswer.of(services.campaigns.get(call.tenant, call.path["campaign_id"]))


@resource.view
def update_campaign(services: Services, call: Call) -> CampaignAnswer:
    campaign_id = call.path["campaign_id"]
    version = call.expected_version or services.campaigns.get(call.tenant, campaign_id).version
    campaign = services.campaigns.update(call.principal, campaign_id, given(call.body), version)
    note(services, call, "campaign.update", campaign_id)
    return CampaignAnswer.of(campaign)


@resource.view
def delete_campaign(services: Services, call: Call) -> None:
    services.campaigns.delete(call.tenant, call.path["campaign_id"])
    note(services, call, "campaign.delete", call.path["campaign_id"])


@resource.view
def approve_campaign(services: Services, call: Call) -> CampaignAnswer:
    campaign = services.campaigns.approve(call.principal, call.path["campaign_id"])
    note(services, call, "campaign.approve", campaign.id, f"version {campaign.approved_version}")
    return CampaignAnswer.of(campaign)


@resource.view
def launch_campaign(services: Services, call: Call) -> CampaignAnswer:
    campaign = services.campaigns.launch(call.tenant, call.path["campaign_id"])
    note(services, call, "campaign.launch", campaign.id)
    return CampaignAnswer.of(campaign)


@resource.view
def pause_campaign(services: Services, call: Call) -> CampaignAnswer:
    reason = call.body.reason or "paused by a person"
    campaign = services.campaigns.pause(call.tenant, call.path["campaign_id"], reason)
    note(services, call, "campaign.pause", campaign.id)
    return CampaignAnswer.of(campaign)


@resource.view
def resume_campaign(services: Services, call: Call) -> CampaignAnswer:
    campaign = services.campaigns.resume(call.tenant, call.path["campaign_id"])
    note(services, call, "campaign.resume", campaign.id)
    return CampaignAnswer.of(campaign)


@resource.view
def cancel_campaign(services: Services, call: Call) -> CampaignAnswer:
    campaign = services.campaigns.cancel(call.tenant, call.path["campaign_id"])
    note(services, call, "campaign.cancel", campaign.id)
    return CampaignAnswer.of(campaign)


@resource.view
def get_campaign_analytics(services: Services, call: Call) -> CampaignAnalytics:
    return CampaignAnalytics.of(services.reports.campaign_analytics(call.tenant, call.path["campaign_id"]))
