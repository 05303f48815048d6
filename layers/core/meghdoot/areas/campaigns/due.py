"""What the ticker does with due timers. A timer is a hint: the campaign's own item says what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meghdoot.areas.campaigns.email_service import EmailCampaignService
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign
from meghdoot.areas.campaigns.rules import LATEST_START
from meghdoot.areas.campaigns.service import CampaignService
from meghdoot.kernel.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Stale, Throttled, Unavailable


@dataclass(frozen=True, slots=True)
class DueOutcome:
    """What came of one timer: `decision` is a stable word for the log."""

    tenant: str
    id: str
    decision: str


@dataclass(frozen=True, slots=True)
class DueService:
    """Drains the timers of e-mail campaigns and campaigns."""

    campaigns: CampaignService

    @property
    def emails(self) -> EmailCampaignService:
        """The e-mails' use cases."""
        return self.campaigns.emails

    def launch_due(self, now: datetime, limit: int = 100) -> list[DueOutcome]:
        """Handle what is due. A timer that could not be handled now stays, and stops no other."""
        return [self._one(*timer, now=now) for timer in self.campaigns.timers.due(now, limit)]

    def _one(self, tenant: str, thing_id: str, at: datetime, *, now: datetime) -> DueOutcome:
        try:
            decision = self._handle(tenant, thing_id, at, now)
        except (Stale, Throttled, Unavailable) as e:
            return DueOutcome(tenant, thing_id, f"later:{e.code}")
        except AppError as e:
            decision = f"refused:{e.code}"
        self.campaigns.timers.done(tenant, thing_id, at)
        return DueOutcome(tenant, thing_id, decision)

    def _handle(self, tenant: str, thing_id: str, at: datetime, now: datetime) -> str:
        email = self.emails.launcher.emails.get(tenant, thing_id)
        if email is not None:
            return self._email(email, at, now)
        campaign = self.campaigns.campaigns.get(tenant, thing_id)
        return "gone" if campaign is None else self._campaign(campaign, now)

    def _email(self, email: EmailCampaign, at: datetime, now: datetime) -> str:
        if email.status in ("sending", "paused") and email.run_id:
            self.emails.launcher.ensure_started(email)
            return "started"
        if email.status == "scheduled":
            return self._scheduled(email, now)
        if email.status == "draft" and self._parent_status(email) == "active":
            return self._begin(email, at, now)
        return "nothing_to_do"

    def _scheduled(self, email: EmailCampaign, now: datetime) -> str:
        if email.scheduled_time is None or email.scheduled_time > now:
            return "rescheduled"
        if self._parent_status(email) == "paused":
            return "held"
        if email.scheduled_time < now - LATEST_START and not self._was_held(email):
            self.emails.unschedule(email.tenant, email.id, "missed: its time passed more than 24 hours ago")
            return "missed"
        try:
            self.emails.launch(email.tenant, email.id)
        except (Conflict, Forbidden, Invalid, NotFound) as e:
            self.emails.unschedule(email.tenant, email.id, _why(e))
            raise
        return "launched"

    def _was_held(self, email: EmailCampaign) -> bool:
        # A campaign that changed after the e-mail's time was paused over it: resuming is a wish to send.
        parent = self._parent(email)
        return parent is not None and email.scheduled_time is not None and parent.updated_at > email.scheduled_time

    def _begin(self, email: EmailCampaign, at: datetime, now: datetime) -> str:
        if at < now - LATEST_START or email.send_type == "triggered":
            return "nothing_to_do"
        self.campaigns.begin(email)
        return "launched" if email.send_type == "immediate" else "scheduled"

    def _campaign(self, campaign: Campaign, now: datetime) -> str:
        if campaign.status == "scheduled" and campaign.start_date and campaign.start_date <= now:
            try:
                self.campaigns.launch(campaign.tenant, campaign.id)
            except (Conflict, Forbidden, Invalid, NotFound):
                self.campaigns.unschedule(campaign.tenant, campaign.id)
                raise
            return "launched"
        return self.campaigns.complete_if_over(campaign.tenant, campaign.id).status

    def _parent(self, email: EmailCampaign) -> Campaign | None:
        parent_id = email.marketing_campaign_id
        return None if parent_id is None else self.campaigns.campaigns.get(email.tenant, parent_id)

    def _parent_status(self, email: EmailCampaign) -> str | None:
        parent = self._parent(email)
        return None if parent is None else parent.status


def _why(error: AppError) -> str:
    codes = ", ".join(dict.fromkeys(f.code for f in error.fields)) or error.code
    return f"{error.code}: {codes}"
