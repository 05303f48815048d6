"""Campaigns in the table `definitions`, due timers in the table `work`."""

from __future__ import annotations

from datetime import datetime

from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.dynamodb.timers import DynamoTimers
from meghdoot.areas.analytics.model import CampaignFiguresRecord
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign


def dynamo_campaigns(model: type[DocumentItem]) -> DynamoRecords[Campaign]:
    """Campaigns, listed by status."""
    return DynamoRecords(model, Campaign, "CAMPAIGN", lambda c: c.status)


def dynamo_email_campaigns(model: type[DocumentItem]) -> DynamoRecords[EmailCampaign]:
    """E-mail campaigns, listed by status."""
    return DynamoRecords(model, EmailCampaign, "EMAILCAMPAIGN", lambda e: e.status)


def dynamo_figures(model: type[DocumentItem]) -> DynamoRecords[CampaignFiguresRecord]:
    """The last figures of campaigns."""
    return DynamoRecords(model, CampaignFiguresRecord, "CAMPAIGNFIGURES")


class DynamoLaunchTimers(DynamoTimers):
    """When launches are due."""

    def set(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        self.put(tenant, email_campaign_id, at)

    def done(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        self.drop(tenant, email_campaign_id, at)
