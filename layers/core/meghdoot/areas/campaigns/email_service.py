"""Use cases of e-mail campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from meghdoot.areas.access.model import Principal
from meghdoot.areas.campaigns import planning, rules
from meghdoot.areas.campaigns.launch import Launcher
from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.areas.campaigns.ports import TestMail
from meghdoot.areas.campaigns.transitions import next_email_status
from meghdoot.areas.content.model import Finding
from meghdoot.areas.messaging.model import Outcome
from meghdoot.kernel.errors import Conflict, Invalid, NotFound, Stale
from meghdoot.kernel.paging import Page

MOST_TEST_ADDRESSES = 5


@dataclass(frozen=True, slots=True)
class EmailCampaignService:
    """Create, edit, approve, check, launch, steer and finish e-mail campaigns of one tenant at a time."""

    launcher: Launcher
    test_mail: TestMail

    def create(self, principal: Principal, data: Mapping[str, Any]) -> EmailCampaign:
        """A new draft. Raises Invalid that names each wrong field."""
        tenant = self.launcher.checker.tenant(principal.tenant)
        values = rules.clean_email(data, tenant.zone, new=True)
        now = self.launcher.clock.now()
        values.setdefault("send_type", "scheduled" if values.get("scheduled_time") else "immediate")
        values.setdefault("timezone", tenant.zone)
        email = EmailCampaign(
            tenant=tenant.id, id=self.launcher.ids.new(), status="draft", created_by=principal.actor,
            created_at=now, updated_at=now, **values,
        )  # fmt: skip
        rules.check_email(email, now)
        self._check_parent(email)
        self.launcher.emails.add(email)
        return email

    def get(self, tenant: str, email_id: str) -> EmailCampaign:
        """The campaign. Raises NotFound."""
        email = self.launcher.emails.get(tenant, email_id)
        if email is None:
            raise NotFound("there is no such e-mail campaign")
        return email

    def page(
        self, tenant: str, *, status: str | None = None, limit: int = 100, after: str | None = None
    ) -> Page[EmailCampaign]:
        """A page, newest change first (within a status, when none is asked for)."""
        return self.launcher.emails.page(tenant, status=status, limit=limit, after=after)

    def of_campaign(self, tenant: str, campaign_id: str) -> list[EmailCampaign]:
        """The e-mails of a campaign, each read consistently (the list behind it may lag by a second)."""
        listed = [e.id for e in self.launcher.emails.all(tenant) if e.marketing_campaign_id == campaign_id]
        found = [self.launcher.emails.get(tenant, email_id) for email_id in sorted(listed)]
        return [e for e in found if e is not None]

    def update(
        self, principal: Principal, email_id: str, data: Mapping[str, Any], expected_version: int
    ) -> EmailCampaign:
        """Edit a draft or scheduled one; takes an approval back. Raises Stale, Invalid, Conflict (`..._edited`)."""
        email = self._at_version(principal.tenant, email_id, expected_version)
        next_email_status(email.status, "edit")
        values = rules.clean_email(data, email.timezone, new=False)
        now = self.launcher.clock.now()
        edited = rules.touched(email, now, **{**values, **rules.unapproved(email)}, updated_by=principal.actor)
        if edited.status == "scheduled" or {"scheduled_time", "send_type"} & set(values):
            rules.check_email(edited, now)
        self._check_parent(edited)
        if edited.status == "scheduled" and edited.scheduled_time:
            self.launcher.timers.set(edited.tenant, edited.id, edited.scheduled_time)
        self.launcher.emails.replace(edited, expected_version)
        return edited

    def delete(self, tenant: str, email_id: str, expected_version: int | None = None) -> None:
        """Forget a draft, a sent or a cancelled one; its run and its report's numbers stay. Raises Conflict, Stale."""
        email = self.get(tenant, email_id)
        next_email_status(email.status, "delete")
        self.launcher.emails.remove(tenant, email_id, expected_version or email.version)

    def approve(self, principal: Principal, email_id: str, expected_version: int | None = None) -> EmailCampaign:
        """Allow the launch. Raises Forbidden (`four_eyes`), Stale, Conflict."""
        email = self._at_version(principal.tenant, email_id, expected_version)
        next_email_status(email.status, "approve")
        tenant = self.launcher.checker.tenant(principal.tenant)
        approved = rules.approved(email, principal, tenant.four_eyes, self.launcher.clock.now())
        self.launcher.emails.replace(approved, email.version)
        return approved

    def check(self, tenant: str, email_id: str) -> list[Finding]:
        """The launch check: blocking lines first, each with a hint."""
        return self.launcher.check(self.get(tenant, email_id), sending_now=False)

    def launch(self, tenant: str, email_id: str) -> EmailCampaign:
        """Send now; see `Launcher.launch`."""
        return self.launcher.launch(self.get(tenant, email_id))

    def schedule(self, tenant: str, email_id: str, at: datetime | None = None) -> EmailCampaign:
        """Send later; see `Launcher.schedule`."""
        return self.launcher.schedule(self.get(tenant, email_id), at)

    def local_time(self, tenant: str, email_id: str, at: datetime, zone: str | None = None) -> datetime:
        """The instant of a time that may lack an offset: local to `zone`, else to the campaign's own. Raises Invalid."""
        around = zone or self.get(tenant, email_id).timezone
        instant: datetime = rules.clean_email({"scheduled_time": at, "timezone": around}, "UTC", new=False)[
            "scheduled_time"
        ]
        return instant

    def unschedule(self, tenant: str, email_id: str, reason: str | None = None) -> EmailCampaign:
        """Back to draft; `reason` says why when it was not a person's wish. Its timer finds nothing to do."""
        email = self.get(tenant, email_id)
        status = next_email_status(email.status, "unschedule")
        return self._store(email, status=status, pause_reason=reason)

    def pause(self, tenant: str, email_id: str, reason: str = "paused by a person") -> EmailCampaign:
        """Stop after the wave that is under way. Raises Conflict (`campaign_cannot_be_paused`), Stale."""
        email = self.get(tenant, email_id)
        status = next_email_status(email.status, "pause")
        self._steer(email, "pause", reason)
        paused = self._store(email, status=status, pause_reason=reason)
        # Again: the run may have been created after the first try and before the campaign was marked.
        self._steer(email, "pause", reason)
        return paused

    def resume(self, tenant: str, email_id: str) -> EmailCampaign:
        """Go on. Raises Conflict (`campaign_cannot_be_resumed`, `campaign_not_active`, `run_restored`), Stale."""
        email = self.get(tenant, email_id)
        status = next_email_status(email.status, "resume")
        resumed = self._store(email, status=status, pause_reason=None)
        try:
            self._steer(email, "resume", "")
        except Conflict:
            self._store(resumed, status=email.status, pause_reason=email.pause_reason)
            raise
        return resumed

    def cancel(self, tenant: str, email_id: str) -> EmailCampaign:
        """End it for good: people who were not called yet are never called. Raises Conflict, Stale."""
        email = self.get(tenant, email_id)
        status = next_email_status(email.status, "cancel")
        self._steer(email, "cancel", "")
        cancelled = self._store(email, status=status)
        self._steer(email, "cancel", "")
        return cancelled

    def finish(self, tenant: str, email_id: str) -> EmailCampaign | None:
        """The run is done: `sent`. Repeating is fine; a cancelled or deleted campaign stays as it is."""
        for _ in range(5):
            email = self.launcher.emails.get(tenant, email_id)
            if email is None or email.status not in ("sending", "paused"):
                return email
            try:
                return self._store(email, status=next_email_status(email.status, "finish"), pause_reason=None)
            except Stale:
                continue
        raise Stale("this e-mail campaign is being changed all the time")

    def send_test(
        self, tenant: str, email_id: str, addresses: Sequence[str], data: Mapping[str, Any] | None = None
    ) -> list[tuple[str, Outcome]]:
        """Send to at most five named addresses, with `data` in place of a person; each with the provider's word.

        Raises Invalid for an address, or for a variable that `data` lacks.
        """
        email = self.get(tenant, email_id)
        if not 1 <= len(addresses) <= MOST_TEST_ADDRESSES:
            raise Invalid.field("test_emails", "wrong_length", f"needs 1 to {MOST_TEST_ADDRESSES} addresses")
        clean = rules.clean_addresses("test_emails", addresses)
        parts = self.launcher.parts(replace(email, template_version=None))
        content, purpose = self.launcher.content(parts), planning.purpose_of(parts.template)
        return list(self.test_mail.send_test(tenant, content, purpose, clean, fields=data))

    def _store(self, email: EmailCampaign, **changes: Any) -> EmailCampaign:
        changed = rules.touched(email, self.launcher.clock.now(), **changes)
        self.launcher.emails.replace(changed, email.version)
        return changed

    def _steer(self, email: EmailCampaign, act: str, reason: str) -> None:
        run_id = email.run_id
        if run_id is None:
            return
        runs = self.launcher.runs
        try:
            if act == "pause":
                runs.pause(email.tenant, run_id, reason)
            elif act == "resume":
                runs.resume(email.tenant, run_id)
            else:
                runs.cancel(email.tenant, run_id)
        except NotFound:
            # The launch is between its commit and its run: it looks at the campaign again before it starts anything.
            return

    def _at_version(self, tenant: str, email_id: str, expected_version: int | None) -> EmailCampaign:
        email = self.get(tenant, email_id)
        if expected_version is not None and email.version != expected_version:
            raise Stale(f"e-mail campaign {email_id} is at version {email.version}, not {expected_version}")
        return email

    def _check_parent(self, email: EmailCampaign) -> None:
        parent_id = email.marketing_campaign_id
        if parent_id is None:
            return
        parent = self.launcher.campaigns.get(email.tenant, parent_id)
        if parent is None:
            raise Invalid.field("marketing_campaign_id", "not_found", "there is no such campaign")
        if parent.status in ("completed", "cancelled"):
            raise Conflict(f"its campaign is {parent.status}", code="campaign_not_active")
