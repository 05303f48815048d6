"""The launch check: everything that would go wrong, said before a single message leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.areas.content.model import Finding, Template
from meghdoot.areas.content.names import PERSON_FIELDS, SYSTEM_FIELDS
from meghdoot.areas.messaging.holding import Hold
from meghdoot.areas.segments.model import Segment
from meghdoot.areas.tenants.model import SenderIdentity, Tenant

OLD_COUNT = timedelta(hours=24)
_UNSUBSCRIBE = "unsubscribe_url"


@dataclass(frozen=True, slots=True)
class LaunchFacts:
    """What a check looks at. None stands for a thing that does not exist, or a number that nobody knows."""

    tenant: Tenant
    template: Template | None
    template_findings: Sequence[Finding]
    """The template's own lines, from content."""
    senders: Sequence[SenderIdentity]
    """Identities that match the sender's address or domain."""
    segments: Sequence[tuple[str, Segment | None]]
    reachable: int | None
    """People of the segments with an address and consent."""
    now: datetime
    sending_now: bool
    """A launch at once, or one that is due; its scheduled time does not matter then."""
    rehearsed: Sequence[Finding] = ()
    """What kept the mail from being written for a made-up person."""
    hold: Hold | None = None
    """What keeps the tenant's messages back now."""


def launch_findings(email: EmailCampaign, facts: LaunchFacts) -> list[Finding]:
    """All lines, blocking ones first; each code stands once for a field."""
    lines = [
        *_template(facts),
        *_variables(email, facts),
        *facts.rehearsed,
        *_bangla(email, facts),
        *_sender(email, facts),
        *_audience(facts),
        *_permission(email, facts),
        *_time(email, facts),
        *_held(facts),
    ]
    unique = {(f.code, f.field, f.message): f for f in lines}
    return sorted(unique.values(), key=lambda f: f.level != "blocking")


def blocking(findings: Sequence[Finding]) -> list[Finding]:
    """Those that forbid a launch."""
    return [f for f in findings if f.level == "blocking"]


def _no(code: str, message: str, hint: str, field: str | None = None) -> Finding:
    return Finding("blocking", code, message, hint, field)


def _warn(code: str, message: str, hint: str, field: str | None = None) -> Finding:
    return Finding("warning", code, message, hint, field)


def _template(facts: LaunchFacts) -> Iterator[Finding]:
    template = facts.template
    if template is None:
        yield _no("template_missing", "the template does not exist", "choose another template", "template_id")
        return
    if not template.is_active:
        yield _no("template_inactive", "the template is switched off", "activate it, or choose another", "template_id")
    yield from facts.template_findings
    if template.is_marketing:
        yield from _legal(template, facts)


def _legal(template: Template, facts: LaunchFacts) -> Iterator[Finding]:
    known = {f.code for f in facts.template_findings}
    for field, body in (("html_content", template.html_content), ("html_content_bn", template.html_content_bn)):
        if body and _UNSUBSCRIBE not in body and "no_unsubscribe_url" not in known:
            yield _no(
                "no_unsubscribe_link",
                f"{field} holds no unsubscribe link",
                "put {{unsubscribe_url}} into the template",
                field,
            )
    if not facts.tenant.postal_address.strip():
        yield _no(
            "postal_address_missing",
            "marketing mail must show the sender's postal address",
            "set postal_address in the settings",
            "postal_address",
        )


def _variables(email: EmailCampaign, facts: LaunchFacts) -> Iterator[Finding]:
    declared = facts.template.variables if facts.template else ()
    for name in (v.name for v in declared if v.default is None):
        if name in SYSTEM_FIELDS or name in email.content:
            continue
        if name in PERSON_FIELDS:
            yield _warn(
                "variable_without_default",
                f"people without {name} are skipped as render_error",
                "give the variable a default",
                f"content.{name}",
            )
        else:
            yield _no(
                "missing_variable",
                f"nothing gives {name} a value",
                "set it in the campaign's content, or give it a default",
                f"content.{name}",
            )


def _bangla(email: EmailCampaign, facts: LaunchFacts) -> Iterator[Finding]:
    template = facts.template
    if template is None:
        return
    wanted = bool(facts.tenant.default_language == "bn" or email.subject_line_bn or email.content_bn)
    if wanted and not template.html_content_bn:
        yield _warn(
            "bangla_variant_missing",
            "readers of Bangla get the English text",
            "write html_content_bn in the template",
            "template_id",
        )
    if template.html_content_bn and not (email.subject_line_bn or template.subject_line_bn):
        yield _warn(
            "bangla_subject_missing",
            "the Bangla mail has an English subject",
            "write subject_line_bn",
            "subject_line_bn",
        )


def _sender(email: EmailCampaign, facts: LaunchFacts) -> Iterator[Finding]:
    if not any(s.status == "verified" for s in facts.senders):
        yield _no(
            "sender_not_verified",
            "the provider has not verified the sender's address or domain",
            f"verify {email.sender_email.rpartition('@')[2]} first",
            "sender_email",
        )


def _audience(facts: LaunchFacts) -> Iterator[Finding]:
    if not facts.segments:
        yield _no("no_segment", "nobody is addressed", "choose at least one segment", "target_segments")
        return
    for segment_id, segment in facts.segments:
        yield from _segment(segment_id, segment, facts)
    known = [s for _, s in facts.segments if s is not None]
    if known and all(s.last_updated is not None and s.customer_count == 0 for s in known):
        yield _no("audience_empty", "all segments are empty", "widen the segments, or refresh them", "target_segments")
    elif facts.reachable == 0:
        yield _no(
            "nobody_reachable",
            "nobody in the segments has an address and has given consent",
            "collect consent first",
            "target_segments",
        )


def _segment(segment_id: str, segment: Segment | None, facts: LaunchFacts) -> Iterator[Finding]:
    if segment is None or not segment.is_active:
        kind: Literal["segment_missing", "segment_inactive"] = (
            "segment_missing" if segment is None else "segment_inactive"
        )
        yield _no(kind, f"segment {segment_id} cannot be used", "choose another segment", "target_segments")
    elif segment.last_updated is None or segment.last_updated < facts.now - OLD_COUNT:
        yield _warn(
            "segment_not_refreshed",
            f"the count of {segment.segment_name} is old or was never taken",
            "refresh the segment to see its size; the launch itself takes the newest people",
            "target_segments",
        )
    elif segment.customer_count == 0:
        yield _warn("segment_empty", f"{segment.segment_name} is empty", "widen its criteria", "target_segments")


def _permission(email: EmailCampaign, facts: LaunchFacts) -> Iterator[Finding]:
    if facts.tenant.approval_required and email.approved_by is None:
        yield _no("approval_missing", "nobody has approved this e-mail", "ask an approver to approve it", "approved_by")


def _held(facts: LaunchFacts) -> Iterator[Finding]:
    purpose = "marketing" if facts.template is None or facts.template.is_marketing else "transactional"
    if facts.hold is not None and facts.hold.stops(purpose):
        yield _warn(
            "sending_held",
            f"nobody is sent anything until sending is resumed: {facts.hold.words}",
            "the launch plans, and messages leave once sending is resumed",
        )


def _time(email: EmailCampaign, facts: LaunchFacts) -> Iterator[Finding]:
    if facts.sending_now or email.send_type != "scheduled":
        return
    if email.scheduled_time is None:
        yield _no("schedule_missing", "no time is set", "set scheduled_time, or launch to send now", "scheduled_time")
    elif email.scheduled_time <= facts.now:
        yield _no(
            "schedule_in_the_past",
            "the scheduled time has passed",
            "choose a later time, or launch to send now",
            "scheduled_time",
        )
