"""What campaigns need from the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from meghdoot.areas.campaigns.model import Campaign, EmailCampaign, Figures
from meghdoot.areas.content.model import Finding, Template
from meghdoot.areas.messaging.model import Run
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
    """Due launches (and ends of campaigns), drained by the ticker."""

    def set(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        """Wake at `at`; the same campaign and instant again is one timer. A timer is only a hint."""
        ...

    def due(self, until: datetime, limit: int = 100) -> list[tuple[str, str, datetime]]:
        """(tenant, e-mail campaign, due) in the order of time, from the stored low-water minute on."""
        ...

    def done(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        """Forget a timer."""
        ...


class RunControl(Protocol):
    """Messaging, as campaigns see it. Every act may be repeated."""

    def create_run(self, run: Run) -> None:
        """Store a run once; the same id again changes nothing."""
        ...

    def pause(self, tenant: str, run_id: str, reason: str) -> None:
        """No new wave starts. Raises NotFound, or Conflict for a run that has ended."""
        ...

    def resume(self, tenant: str, run_id: str) -> None:
        """Go on. Raises NotFound, or Conflict for a run that has ended."""
        ...

    def cancel(self, tenant: str, run_id: str) -> None:
        """Undecided people become cancelled. Raises NotFound, or Conflict for a run that is done."""
        ...


class TestMail(Protocol):
    """Sends a message to named addresses, outside of any audience."""

    def send_test(self, run: Run, addresses: Sequence[str], data: Mapping[str, Any]) -> Mapping[str, str]:
        """Render with the data and send; address to outcome. Nothing is counted."""
        ...


class TemplateCheck(Protocol):
    """Content's word on a template."""

    def __call__(self, template: Template) -> Sequence[Finding]: ...


class Reach(Protocol):
    """How many people could be sent to."""

    def reachable(self, tenant: str, segment_ids: Sequence[str]) -> int | None:
        """People of the segments with an address and consent for marketing e-mail; None when nobody can tell now."""
        ...


class CampaignFigures(Protocol):
    """The last known figures of campaigns, kept by analytics."""

    def of(self, tenant: str) -> Mapping[str, Figures]:
        """Campaign to figures; campaigns without any are absent."""
        ...
