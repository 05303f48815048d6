"""What campaigns need from the outside."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from meghdoot.areas.campaigns.model import Campaign, EmailCampaign
from meghdoot.kernel.records import Records


class Campaigns(Records[Campaign], Protocol):
    """The stored campaigns."""


class EmailCampaigns(Records[EmailCampaign], Protocol):
    """The stored e-mail campaigns."""


class RunMachine(Protocol):
    """Starts the state machine `campaign_run`."""

    def start(self, tenant: str, run_id: str) -> None:
        """Start the execution named by the run; starting it again is fine."""
        ...


class LaunchTimers(Protocol):
    """Due launches, drained by the ticker."""

    def set(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        """Wake at `at`; the same campaign and instant again is one timer. A timer is only a hint."""
        ...

    def due(self, until: datetime, limit: int = 100) -> list[tuple[str, str, datetime]]:
        """(tenant, e-mail campaign, due) in the order of time, from the stored low-water minute on."""
        ...

    def done(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        """Forget a timer."""
        ...
