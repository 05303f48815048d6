"""Use cases of campaigns: the whole over all channels, whose acts reach the e-mails within."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meghdoot.areas.access.model import Principal
from meghdoot.areas.campaigns import rules
from meghdoot.areas.campaigns.email_service import EmailCampaignService
from meghdoot.areas.campaigns.launch import refuse_blocking
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign, Figures
from meghdoot.areas.campaigns.ports import CampaignFigures, Campaigns, LaunchTimers
from meghdoot.areas.campaigns.transitions import next_campaign_status
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, Invalid, NotFound, Stale
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums over a list, in one currency; campaigns in others are counted, not added."""

    total_budget: Money
    total_spent: Money
    total_revenue: Money
    overall_roi: float | None
    other_currencies: int = 0


@dataclass(frozen=True, slots=True)
class CampaignList:
    """A page of campaigns with what each brought, and the sums over all that match."""

    campaigns: tuple[Campaign, ...]
    figures: Mapping[str, Figures]
    total_count: int
    summary: Summary


@dataclass(frozen=True, slots=True)
class CampaignService:
    """Create, edit, approve, list and steer campaigns of one tenant at a time."""

    campaigns: Campaigns
    emails: EmailCampaignService
    timers: LaunchTimers
    figures: CampaignFigures
    clock: Clock
    ids: Ids

    def create(self, principal: Principal, data: Mapping[str, Any]) -> Campaign:
        """A new draft. Raises Invalid that names each wrong field."""
        tenant = self.emails.launcher.checker.tenant(principal.tenant)
        values = rules.clean_campaign(data, tenant.currency, tenant.zone, new=True)
        values.setdefault("currency", tenant.currency)
        now = self.clock.now()
        campaign = Campaign(
            tenant=tenant.id, id=self.ids.new(), status="draft", created_by=principal.actor, created_at=now,
            updated_at=now, **values,
        )  # fmt: skip
        rules.check_campaign(campaign)
        self.campaigns.add(campaign)
        return campaign

    def get(self, tenant: str, campaign_id: str) -> Campaign:
        """The campaign. Raises NotFound."""
        campaign = self.campaigns.get(tenant, campaign_id)
        if campaign is None:
            raise NotFound("there is no such campaign")
        return campaign

    def update(
        self, principal: Principal, campaign_id: str, data: Mapping[str, Any], expected_version: int
    ) -> Campaign:
        """Edit; takes an approval back unless it runs already. Raises Stale, Invalid, Conflict (`..._edited`).

        A running campaign allows what never reaches a message: names, notes, budget, spent amount, end and goals.
        """
        campaign = self._at_version(principal.tenant, campaign_id, expected_version)
        zone = self.emails.launcher.checker.tenant(principal.tenant).zone
        values = rules.clean_campaign(data, campaign.currency, zone, new=False)
        act = "amend" if campaign.status in ("active", "paused") and rules.is_amendment(values) else "edit"
        next_campaign_status(campaign.status, act)
        undone = rules.unapproved(campaign) if act == "edit" else {}
        edited = rules.touched(campaign, self.clock.now(), **{**values, **undone}, updated_by=principal.actor)
        rules.check_campaign(edited)
        self._set_timers(edited)
        self.campaigns.replace(edited, expected_version)
        return edited

    def delete(self, tenant: str, campaign_id: str, expected_version: int | None = None) -> None:
        """Forget a draft, a completed or a cancelled one. Raises Conflict (`campaign_cannot_be_deleted`), Stale."""
        campaign = self.get(tenant, campaign_id)
        next_campaign_status(campaign.status, "delete")
        self.campaigns.remove(tenant, campaign_id, expected_version or campaign.version)

    def page(
        self,
        tenant: str,
        *,
        status: str | None = None,
        campaign_type: str | None = None,
        page: int = 1,
        limit: int = 20,
    ) -> CampaignList:
        """Page `page` (from 1) of those that match, newest change first; the sums are over all that match."""
        matching = [
            c
            for c in self.campaigns.all(tenant)
            if status in (None, c.status) and campaign_type in (None, c.campaign_type)
        ]
        figures = self.figures.of(tenant)
        currency = self.emails.launcher.checker.tenant(tenant).currency
        start = (page - 1) * limit
        return CampaignList(
            campaigns=tuple(matching[start : start + limit]),
            figures={c.id: figures[c.id] for c in matching[start : start + limit] if c.id in figures},
            total_count=len(matching),
            summary=summarise(matching, figures, currency),
        )

    def approve(self, principal: Principal, campaign_id: str, expected_version: int | None = None) -> Campaign:
        """Approve the campaign and its e-mails that wait for it. Raises Forbidden (`four_eyes`), Stale, Conflict."""
        campaign = self._at_version(principal.tenant, campaign_id, expected_version)
        next_campaign_status(campaign.status, "approve")
        four_eyes = self.emails.launcher.checker.tenant(principal.tenant).four_eyes
        approved = rules.approved(campaign, principal, four_eyes, self.clock.now())
        for email in self._emails(campaign, "draft", "scheduled"):
            self.emails.approve(principal, email.id, email.version)
        self.campaigns.replace(approved, campaign.version)
        return approved

    def schedule(self, tenant: str, campaign_id: str) -> Campaign:
        """Launch at `start_date`. Raises Invalid for none or an impossible one, Conflict, Forbidden."""
        campaign = self.get(tenant, campaign_id)
        status = next_campaign_status(campaign.status, "schedule")
        if campaign.start_date is None:
            raise Invalid.field("start_date", "required", "is required to schedule a campaign")
        rules.check_schedule(campaign.start_date, self.clock.now())
        rules.check_approved(campaign, self.emails.launcher.checker.tenant(tenant))
        self.timers.set(tenant, campaign_id, campaign.start_date)
        return self._store(campaign, status=status)

    def unschedule(self, tenant: str, campaign_id: str) -> Campaign:
        """Back to draft. Its timer finds nothing to do."""
        campaign = self.get(tenant, campaign_id)
        return self._store(campaign, status=next_campaign_status(campaign.status, "unschedule"))

    def launch(self, tenant: str, campaign_id: str) -> Campaign:
        """Make it active: immediate e-mails are launched, scheduled ones scheduled, triggered ones wait for their event.

        Raises Conflict (`campaign_cannot_be_launched`, `launch_check_failed`) and Forbidden (`approval_missing`) before
        anything was changed.
        """
        campaign = self.get(tenant, campaign_id)
        status = next_campaign_status(campaign.status, "launch")
        rules.check_approved(campaign, self.emails.launcher.checker.tenant(tenant))
        waiting = [e for e in self._emails(campaign, "draft") if e.send_type != "triggered"]
        for email in waiting:
            refuse_blocking(self.emails.launcher.check(email, sending_now=email.send_type == "immediate"))
        now = self.clock.now()
        for email in waiting:
            # Should we die after the commit, the ticker finds a draft of an active campaign and does the rest.
            self.timers.set(tenant, email.id, now)
        active = rules.touched(campaign, now, status=status)
        self._set_timers(active)
        self._commit(active, campaign.version, "launch")
        for email in waiting:
            self.begin(email)
            self.timers.done(tenant, email.id, now)
        return active

    def begin(self, email: EmailCampaign) -> EmailCampaign:
        """Launch or schedule one e-mail of an active campaign, by its own send type."""
        return self.emails.launcher.schedule(email) if email.send_type == "scheduled" else (
            self.emails.launcher.launch(email)
        )  # fmt: skip

    def pause(self, tenant: str, campaign_id: str, reason: str = "its campaign was paused") -> Campaign:
        """Pause it and every e-mail that is sending; scheduled ones are held. Raises Conflict, Stale."""
        campaign = self.get(tenant, campaign_id)
        status = next_campaign_status(campaign.status, "pause")
        return self._halt(campaign, status, ("sending",), lambda e: self.emails.pause(tenant, e.id, reason))

    def resume(self, tenant: str, campaign_id: str) -> Campaign:
        """Make it active again with its paused e-mails; held ones that are due go out now. Raises Conflict, Stale."""
        campaign = self.get(tenant, campaign_id)
        active = self._store(campaign, status=next_campaign_status(campaign.status, "resume"))
        now = self.clock.now()
        for email in self._emails(campaign, "scheduled"):
            self.timers.set(tenant, email.id, max(email.scheduled_time or now, now))
        for email in self._emails(campaign, "paused"):
            self.emails.resume(tenant, email.id)
        self._set_timers(active)
        return active

    def cancel(self, tenant: str, campaign_id: str) -> Campaign:
        """End it for good with every e-mail that is not sent. Raises Conflict (`campaign_cannot_be_cancelled`), Stale."""
        campaign = self.get(tenant, campaign_id)
        status = next_campaign_status(campaign.status, "cancel")
        open_states = ("draft", "scheduled", "sending", "paused")
        return self._halt(campaign, status, open_states, lambda e: self.emails.cancel(tenant, e.id))

    def complete_if_over(self, tenant: str, campaign_id: str) -> Campaign:
        """Complete it when its end has come, or when it is one-time and all its e-mails are out. Repeating is fine."""
        campaign = self.get(tenant, campaign_id)
        if campaign.status not in ("active", "paused") or not self._is_over(campaign):
            return campaign
        for email in self._emails(campaign, "scheduled"):
            self.emails.unschedule(tenant, email.id, "its campaign has ended")
        return self._store(campaign, status=next_campaign_status(campaign.status, "complete"))

    def email_sent(self, tenant: str, email_id: str) -> EmailCampaign | None:
        """An e-mail's run is done: mark it sent, and complete its campaign when that was the last. Repeating is fine."""
        email = self.emails.finish(tenant, email_id)
        if email is not None and email.marketing_campaign_id is not None:
            self.complete_if_over(tenant, email.marketing_campaign_id)
        return email

    def _is_over(self, campaign: Campaign) -> bool:
        emails = self._emails(campaign)
        if any(e.status in ("sending", "paused") for e in emails):
            return False
        if campaign.end_date is not None and campaign.end_date <= self.clock.now():
            return True
        out = {e.status for e in emails}
        return campaign.cadence == "one_time" and "sent" in out and out <= {"sent", "cancelled"}

    def _halt(
        self, campaign: Campaign, status: str, states: tuple[str, ...], act: Callable[[EmailCampaign], Any]
    ) -> Campaign:
        # E-mails first, so that a broken act can be repeated; once more after, for one that began in between.
        self._each(campaign, states, act)
        halted = self._store(campaign, status=status)
        self._each(campaign, states, act)
        return halted

    def _each(self, campaign: Campaign, states: tuple[str, ...], act: Callable[[EmailCampaign], Any]) -> None:
        for email in self._emails(campaign, *states):
            try:
                act(email)
            except Conflict:
                # It ended on its own between our reading and the act: there is nothing left to halt.
                continue

    def _emails(self, campaign: Campaign, *states: str) -> list[EmailCampaign]:
        emails = self.emails.of_campaign(campaign.tenant, campaign.id)
        return [e for e in emails if not states or e.status in states]

    def _set_timers(self, campaign: Campaign) -> None:
        wanted = {"scheduled": campaign.start_date, "active": campaign.end_date}.get(campaign.status)
        if wanted is not None:
            self.timers.set(campaign.tenant, campaign.id, max(wanted, self.clock.now()))

    def _store(self, campaign: Campaign, **changes: Any) -> Campaign:
        changed = rules.touched(campaign, self.clock.now(), **changes)
        self.campaigns.replace(changed, campaign.version)
        return changed

    def _commit(self, campaign: Campaign, expected_version: int, act: str) -> None:
        try:
            self.campaigns.replace(campaign, expected_version)
        except Stale:
            next_campaign_status(self.get(campaign.tenant, campaign.id).status, act)
            raise

    def _at_version(self, tenant: str, campaign_id: str, expected_version: int | None) -> Campaign:
        campaign = self.get(tenant, campaign_id)
        if expected_version is not None and campaign.version != expected_version:
            raise Stale(f"campaign {campaign_id} is at version {campaign.version}, not {expected_version}")
        return campaign


def summarise(campaigns: Sequence[Campaign], figures: Mapping[str, Figures], currency: str) -> Summary:
    """Sums of those in one currency. `overall_roi` is (revenue - spent) / spent, None when nothing was spent."""
    ours = [c for c in campaigns if c.currency == currency]
    budget = sum(c.budget.minor for c in ours if c.budget)
    spent = sum(c.spent_amount.minor for c in ours if c.spent_amount)
    brought = [figures[c.id].revenue for c in ours if c.id in figures]
    revenue = sum(m.minor for m in brought if m.currency == currency)
    return Summary(
        Money(budget, currency),
        Money(spent, currency),
        Money(revenue, currency),
        rules.return_on_investment(revenue, spent),
        len(campaigns) - len(ours),
    )
