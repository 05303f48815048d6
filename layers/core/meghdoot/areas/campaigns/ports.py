"""What campaigns need from the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from meghdoot.areas.campaigns.model import Campaign, EmailCampaign, Figures
from meghdoot.areas.consent.model import Purpose
from meghdoot.areas.content.model import Finding, Template
from meghdoot.areas.messaging.model import Outcome, Pace, Run, RunContent
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
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
    """Messaging's runs, as campaigns see them (`messaging.service.RunService`). Every act may be repeated."""

    def create_run(
        self,
        tenant: str,
        *,
        email_campaign_id: str,
        campaign_id: str | None,
        purpose: Purpose,
        segment_ids: Sequence[str],
        content: RunContent,
        attribution_days: int,
        daily_cap: int | None,
        weekly_cap: int | None,
        expected_people: int = 0,
        run_id: str | None = None,
        pace: Pace = Pace(),
    ) -> Run:
        """Begin a run once: the same `run_id` again answers the run that exists."""
        ...

    def pause(self, tenant: str, run_id: str, reason: str) -> Run:
        """No new wave starts. Raises NotFound, or Conflict for a run that has ended."""
        ...

    def resume(self, tenant: str, run_id: str) -> Run:
        """Go on. Raises NotFound, or Conflict for a run that has ended."""
        ...

    def cancel(self, tenant: str, run_id: str) -> Run:
        """Undecided people become cancelled. Raises NotFound, or Conflict for a run that is done."""
        ...


class TestMail(Protocol):
    """Mails to named addresses, outside of any audience (`messaging.service.TestSends`)."""

    def send_test(
        self,
        tenant: str,
        content: RunContent,
        purpose: Purpose,
        addresses: Sequence[str],
        *,
        fields: Mapping[str, Any] | None = None,
    ) -> Sequence[tuple[str, Outcome]]:
        """Render with the fields and send; each address with the provider's word. Nothing is counted. Raises Invalid."""
        ...


class TemplateCheck(Protocol):
    """Content's word on a template."""

    def __call__(self, template: Template) -> Sequence[Finding]: ...


class Rehearse(Protocol):
    """Writes the mail for a made-up person, as the sender would."""

    def __call__(
        self, email: EmailCampaign, template: Template, tenant: Tenant, sender: SenderIdentity | None
    ) -> Sequence[Finding]:
        """What keeps the mail from being written in any of its languages."""
        ...


class Reach(Protocol):
    """How many people could be sent to."""

    def reachable(self, tenant: str, segment_ids: Sequence[str]) -> int | None:
        """People of the segments with an address and consent for marketing e-mail, as far as was looked; None when nobody can tell now."""
        ...


class CampaignFigures(Protocol):
    """The last known figures of campaigns, kept by analytics."""

    def of(self, tenant: str) -> Mapping[str, Figures]:
        """Campaign to figures; campaigns without any are absent."""
        ...
