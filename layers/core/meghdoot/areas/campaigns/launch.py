"""Launching: check, pin, commit, start. A crash anywhere leaves a timer that finishes the work, and one run at most.

The commit point is the e-mail campaign's own item: it becomes `sending` with the id of its run by a version-checked
write. Before it stands a hint (the timer), after it come steps that may be repeated (create the run, start the
machine), and the hint is deleted last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from meghdoot.areas.campaigns import checks, planning
from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.areas.campaigns.ports import (
    Campaigns,
    EmailCampaigns,
    LaunchTimers,
    Reach,
    Rehearse,
    RunControl,
    RunMachine,
    TemplateCheck,
)
from meghdoot.areas.campaigns.rules import check_schedule, touched
from meghdoot.areas.campaigns.transitions import next_email_status
from meghdoot.areas.content.model import Finding
from meghdoot.areas.content.ports import Templates, TemplateUses, TemplateVersions
from meghdoot.areas.messaging.holding import Holds
from meghdoot.areas.messaging.model import RunContent
from meghdoot.areas.segments.ports import Segments
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.areas.tenants.ports import Senders, Tenants
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, FieldError, NotFound, Stale
from meghdoot.kernel.ids import Ids

_HALTED = ("paused", "completed", "cancelled")


def refuse_blocking(findings: Sequence[Finding]) -> None:
    """Raises Conflict (`launch_check_failed`) that names each blocking line."""
    stop = checks.blocking(findings)
    if stop:
        raise Conflict(
            "the launch check found what must be mended first: " + "; ".join(f.message for f in stop),
            code="launch_check_failed",
            fields=tuple(FieldError(f.field or "campaign", f.code, f.message) for f in stop),
            hint="; ".join(dict.fromkeys(f.hint for f in stop)),
        )


@dataclass(frozen=True, slots=True)
class LaunchChecker:
    """Collects what a check looks at."""

    tenants: Tenants
    templates: Templates
    senders: Senders
    segments: Segments
    reach: Reach
    check_template: TemplateCheck
    rehearse: Rehearse
    clock: Clock
    holds: Holds

    def facts(self, email: EmailCampaign, *, sending_now: bool) -> checks.LaunchFacts:
        """Everything as it stands now. Raises NotFound for a tenant without settings."""
        template = self.templates.get(email.tenant, email.template_id)
        tenant, senders = self.tenant(email.tenant), self.identities(email)
        return checks.LaunchFacts(
            tenant=tenant,
            template=template,
            template_findings=self.check_template(template) if template else (),
            rehearsed=self.rehearse(email, template, tenant, senders[0] if senders else None) if template else (),
            senders=senders,
            segments=[(s, self.segments.get(email.tenant, s)) for s in email.target_segments],
            reachable=self.reach.reachable(email.tenant, email.target_segments) if email.target_segments else 0,
            now=self.clock.now(),
            sending_now=sending_now,
            hold=self.holds.get(email.tenant),
        )

    def tenant(self, tenant: str) -> Tenant:
        """The tenant's settings. Raises NotFound."""
        found = self.tenants.get(tenant, tenant)
        if found is None:
            raise NotFound("this tenant has no settings")
        return found

    def identities(self, email: EmailCampaign) -> list[SenderIdentity]:
        """Sender identities that cover the campaign's address, the closest first."""
        found = [self.senders.get(email.tenant, i) for i in planning.sender_ids(email.sender_email)]
        return [i for i in found if i is not None]


@dataclass(frozen=True, slots=True)
class Launcher:
    """Launches and schedules e-mail campaigns."""

    emails: EmailCampaigns
    campaigns: Campaigns
    checker: LaunchChecker
    versions: TemplateVersions
    uses: TemplateUses
    runs: RunControl
    machine: RunMachine
    timers: LaunchTimers
    clock: Clock
    ids: Ids
    public_url: str
    tracking_url: str = ""

    def check(self, email: EmailCampaign, *, sending_now: bool) -> list[Finding]:
        """All lines of the launch check."""
        return checks.launch_findings(email, self.checker.facts(email, sending_now=sending_now))

    def launch(self, email: EmailCampaign) -> EmailCampaign:
        """Send now. Raises Conflict (`campaign_cannot_be_launched`, `launch_check_failed`, `campaign_not_active`)."""
        status = next_email_status(email.status, "launch")
        self._refuse_halted_parent(email)
        facts = self.checker.facts(email, sending_now=True)
        refuse_blocking(checks.launch_findings(email, facts))
        now, template = self.clock.now(), facts.template
        pinned = replace(email, template_version=template.version if template else None)
        # Once more than needed: what cannot be sent must be known before the commit.
        self.content(self.parts(pinned))
        sending = touched(pinned, now, status=status, run_id=self.ids.new(), sent_at=now, pause_reason=None)
        self.timers.set(email.tenant, email.id, now)
        self._commit(sending, email.version)
        self.ensure_started(sending)
        # Not in `ensure_started`, which the ticker may repeat: a launch counts once, and one that died here not at all.
        self.uses.increment(email.tenant, email.template_id)
        self.timers.done(email.tenant, email.id, now)
        return sending

    def schedule(self, email: EmailCampaign, at: datetime | None = None) -> EmailCampaign:
        """Send at `at` (else at the campaign's own time). Raises Invalid for an impossible time, Conflict as `launch`."""
        status = next_email_status(email.status, "schedule")
        self._refuse_halted_parent(email)
        now = self.clock.now()
        when = check_schedule(at or email.scheduled_time, now)
        planned = touched(email, now, status=status, send_type="scheduled", scheduled_time=when, pause_reason=None)
        refuse_blocking(self.check(planned, sending_now=False))
        self.timers.set(email.tenant, email.id, when)
        self.emails.replace(planned, email.version)
        return planned

    def ensure_started(self, email: EmailCampaign) -> None:
        """Create the run and start its machine, if that was not done; follow a pause or cancel that came in between."""
        run_id = email.run_id or ""
        self._create(email, run_id)
        current = self.emails.get(email.tenant, email.id)
        if current is None or current.status == "cancelled":
            self.runs.cancel(email.tenant, run_id)
            return
        if current.status == "paused":
            self.runs.pause(email.tenant, run_id, current.pause_reason or "paused")
        self.machine.start(email.tenant, run_id)

    def parts(self, email: EmailCampaign) -> planning.RunParts:
        """What the campaign's run is made of, with its pinned template version (else the newest). Raises NotFound."""
        version = email.template_version
        template = (
            self.checker.templates.get(email.tenant, email.template_id)
            if version is None
            else self.versions.get(email.tenant, email.template_id, version)
        )
        if template is None:
            raise NotFound(f"there is no version {version or 1} of template {email.template_id}")
        identities = self.checker.identities(email)
        tenant = self.checker.tenant(email.tenant)
        sender = identities[0] if identities else None
        return planning.RunParts(email, template, tenant, sender, self.public_url, self.tracking_url)

    def content(self, parts: planning.RunParts) -> RunContent:
        """What is sent, with its links numbered. Raises Invalid for a link, or for values that do not fit the template."""
        content = planning.run_content(parts)
        return replace(content, links=planning.links_of(parts.template, content))

    def _create(self, email: EmailCampaign, run_id: str) -> None:
        parts = self.parts(email)
        segments = [self.checker.segments.get(email.tenant, s) for s in email.target_segments]
        self.runs.create_run(
            email.tenant,
            email_campaign_id=email.id,
            campaign_id=email.marketing_campaign_id,
            purpose=planning.purpose_of(parts.template),
            segment_ids=email.target_segments,
            content=self.content(parts),
            attribution_days=parts.tenant.attribution_days,
            daily_cap=parts.tenant.daily_cap,
            weekly_cap=parts.tenant.weekly_cap,
            expected_people=sum(s.customer_count for s in segments if s is not None),
            run_id=run_id,
            pace=planning.pace_of(parts, self.clock.now()),
        )

    def _commit(self, sending: EmailCampaign, expected_version: int) -> None:
        try:
            self.emails.replace(sending, expected_version)
        except Stale:
            current = self.emails.get(sending.tenant, sending.id)
            # A second click finds the first one's work: that is no stale read but a launch too many.
            next_email_status(current.status if current else "cancelled", "launch")
            raise

    def _refuse_halted_parent(self, email: EmailCampaign) -> None:
        if email.marketing_campaign_id is None:
            return
        parent = self.campaigns.get(email.tenant, email.marketing_campaign_id)
        if parent is not None and parent.status in _HALTED:
            raise Conflict(
                f"its campaign is {parent.status}", code="campaign_not_active", hint="resume the campaign first"
            )
