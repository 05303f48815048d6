"""A campaign house in memory: the real services over memory adapters and a fake of messaging's runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.adapters.memory.campaigns import (
    MemoryLaunchTimers,
    MemoryRunMachine,
    memory_campaigns,
    memory_email_campaigns,
)
from meghdoot.adapters.memory.content import MemoryTemplateUses
from meghdoot.adapters.memory.holding import MemoryHolds
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.access.model import Principal
from meghdoot.areas.campaigns.due import DueService
from meghdoot.areas.campaigns.email_service import EmailCampaignService
from meghdoot.areas.campaigns.launch import LaunchChecker, Launcher
from meghdoot.areas.campaigns.model import EmailCampaign, Figures
from meghdoot.areas.campaigns.rehearsal import Rehearsal
from meghdoot.areas.campaigns.service import CampaignService
from meghdoot.areas.content.model import Finding, Template
from meghdoot.areas.messaging.model import Outcome, Pace, Run, RunContent
from meghdoot.areas.segments.model import Segment
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Conflict, NotFound
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring

KEYRING = Keyring({"k1": b"1" * 32}, "k1")
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
EDITOR = Principal("acme", "editor-1", "editor", frozenset())
APPROVER = Principal("acme", "approver-1", "approver", frozenset())

TENANT = Tenant(
    id="acme", name="Acme", postal_address="1 Lake Road, Dhaka 1207", privacy_url=None, zone="Asia/Dhaka",
    currency="BDT", tracking_domain=None, attribution_days=7, default_language="en", four_eyes=False,
    approval_required=False, daily_cap=2, weekly_cap=None, test_only=True, created_at=NOW, updated_at=NOW,
)  # fmt: skip
HTML = (
    '<h1>{{headline}}</h1><a href="https://shop.example/eid">Eid</a> <a href="https://shop.example/sale">Sale</a>'
    '<p>{{postal_address}} <a href="{{unsubscribe_url}}">out</a></p>'
)
TEMPLATE = Template(
    tenant="acme", id="tpl", version=3, template_name="Eid", template_category="promotional",
    subject_line="Eid offers", html_content=HTML, created_by="e",
    created_at=NOW, updated_at=NOW,
)  # fmt: skip
SEGMENT = Segment(
    tenant="acme", id="seg", segment_name="Buyers", segment_name_bn=None, description=None,
    segment_type="behavioral", criteria={}, is_dynamic=True, created_by="e", created_at=NOW, updated_at=NOW,
    customer_count=12, last_updated=NOW,
)  # fmt: skip
SENDER = SenderIdentity("acme", "@shop.example", "Shop", "help@shop.example", "verified", NOW, NOW)

EMAIL: dict[str, Any] = {
    "campaign_name": "Eid Special Offers", "subject_line": "Up to 50% off", "sender_name": "Shop",
    "sender_email": "offers@shop.example", "template_id": "tpl", "target_segments": ["seg"],
    "content": {"headline": "Celebrate"},
}  # fmt: skip
CAMPAIGN: dict[str, Any] = {
    "campaign_name": "Eid Collection Launch", "campaign_name_bn": "ঈদ কালেকশন লঞ্চ", "campaign_type": "acquisition",
    "campaign_objective": "sales", "budget": "50000.00", "start_date": "2026-01-10T00:00:00Z",
    "end_date": "2026-01-25T23:59:59Z", "channels": ["email", "sms"],
}  # fmt: skip


class FakeRuns:
    """Messaging's runs as campaigns see them."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.people: dict[str, int] = {}

    def create_run(
        self, tenant: str, *, email_campaign_id: str, campaign_id: str | None, purpose: Any, segment_ids: Sequence[str],
        content: RunContent, attribution_days: int, daily_cap: int | None, weekly_cap: int | None,
        expected_people: int = 0, run_id: str | None = None, pace: Pace = Pace(),
    ) -> Run:  # fmt: skip
        run = Run(
            tenant, run_id or "run", campaign_id, email_campaign_id, "email", purpose, "planning", tuple(segment_ids),
            content, NOW, NOW, NOW, NOW, attribution_days,
        )  # fmt: skip
        self.pace = pace
        self.expected_people = expected_people
        return self.runs.setdefault(run.id, run)

    def _set(self, run_id: str, status: Any) -> Run:
        if run_id not in self.runs:
            raise NotFound("there is no such run")
        if self.runs[run_id].status == "done" or (self.runs[run_id].status == "cancelled" and status != "cancelled"):
            raise Conflict("the run has ended", code="run_has_ended")
        self.runs[run_id] = replace(self.runs[run_id], status=status)
        return self.runs[run_id]

    def pause(self, tenant: str, run_id: str, reason: str) -> Run:
        return self._set(run_id, "paused")

    def resume(self, tenant: str, run_id: str) -> Run:
        return self._set(run_id, "sending")

    def cancel(self, tenant: str, run_id: str) -> Run:
        return self._set(run_id, "cancelled")

    def get(self, tenant: str, run_id: str) -> Run | None:
        return self.runs.get(run_id)

    def accounting(self, tenant: str, run_id: str) -> Mapping[str, int]:
        return self.people


@dataclass
class FakeTestMail:
    sent: list[tuple[RunContent, tuple[str, ...], Mapping[str, Any] | None]] = field(default_factory=list)

    def send_test(
        self, tenant: str, content: RunContent, purpose: Any, addresses: Sequence[str], *,
        fields: Mapping[str, Any] | None = None,
    ) -> list[tuple[str, Outcome]]:  # fmt: skip
        self.sent.append((content, tuple(addresses), fields))
        return [(address, Outcome("accepted")) for address in addresses]


@dataclass
class FakeReach:
    people: int | None = None

    def reachable(self, tenant: str, segment_ids: Sequence[str]) -> int | None:
        return self.people


@dataclass
class FakeFigures:
    figures: dict[str, Figures] = field(default_factory=dict)

    def of(self, tenant: str) -> Mapping[str, Figures]:
        return self.figures


class Versions:
    """Every version of every template."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, int], Template] = {}

    def add(self, template: Template) -> None:
        self.kept[(template.tenant, template.id, template.version)] = template

    def get(self, tenant: str, template_id: str, version: int) -> Template | None:
        return self.kept.get((tenant, template_id, version))


class House:
    """Everything wired; `crash_at` ends the process before the named step."""

    def __init__(self, tenant: Tenant = TENANT) -> None:
        self.clock = ManualClock(NOW)
        self.ids = SystemIds(self.clock)
        self.tenants: MemoryRecords[Tenant] = MemoryRecords("tenant")
        self.templates: MemoryRecords[Template] = MemoryRecords("template")
        self.senders: MemoryRecords[SenderIdentity] = MemoryRecords("sender")
        self.segments: MemoryRecords[Segment] = MemoryRecords("segment")
        self.versions, self.runs, self.machine = Versions(), FakeRuns(), MemoryRunMachine()
        self.timers, self.reach, self.test_mail = MemoryLaunchTimers(), FakeReach(), FakeTestMail()
        self.figures, self.uses, self.public_url = FakeFigures(), MemoryTemplateUses(), "https://m.example.test"
        self.findings: list[Finding] = []
        self.campaign_store, self.email_store = memory_campaigns(), memory_email_campaigns()
        self.tenants.add(tenant)
        self.templates.add(TEMPLATE)
        self.versions.add(TEMPLATE)
        self.senders.add(SENDER)
        self.segments.add(SEGMENT)
        self.holds = MemoryHolds()
        self.wire()

    def wire(self) -> None:
        """Build the services from the stores as they stand (a test may have replaced one)."""
        checker = LaunchChecker(
            self.tenants, self.templates, self.senders, self.segments, self.reach,
            lambda _template: self.findings, Rehearsal(MimeComposers(), KEYRING, self.clock, self.public_url),
            self.clock, self.holds,
        )  # fmt: skip
        self.launcher = Launcher(
            self.email_store, self.campaign_store, checker, self.versions, self.uses, self.runs, self.machine,
            self.timers, self.clock, self.ids, self.public_url,
        )  # fmt: skip
        self.emails = EmailCampaignService(self.launcher, self.test_mail)
        self.campaigns = CampaignService(
            self.campaign_store, self.emails, self.timers, self.figures, self.clock, self.ids
        )
        self.due = DueService(self.campaigns)

    def draft(self, **changes: Any) -> EmailCampaign:
        """A stored e-mail draft."""
        return self.emails.create(EDITOR, {**EMAIL, **changes})

    def later(self, **delta: float) -> datetime:
        """Move the clock and tell where it stands."""
        self.clock.advance(**delta)
        return self.clock.now()


def in_(**delta: float) -> str:
    """An instant from now on as RFC 3339."""
    return (NOW + timedelta(**delta)).isoformat()
