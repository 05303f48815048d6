"""From an e-mail campaign to the run that sends it: everything is copied, so later edits change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.areas.consent.model import Purpose
from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Footer, Link, Template
from meghdoot.areas.messaging.model import Pace, RunContent
from meghdoot.areas.messaging.rules.allowances import ramp_volume
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.kernel.i18n import Language


@dataclass(frozen=True, slots=True)
class RunParts:
    """What a run is made of."""

    email: EmailCampaign
    template: Template
    tenant: Tenant
    sender: SenderIdentity | None
    public_url: str
    tracking_url: str = ""


def sender_ids(address: str) -> tuple[str, str]:
    """The identities that may cover an address: itself, then its domain."""
    address = address.lower()
    return address, "@" + address.rpartition("@")[2]


def pace_of(parts: RunParts, now: datetime) -> Pace:
    """How fast the run may go. A sender whose plan of growing volumes is over, or who writes what was asked for, has none."""
    started = None if parts.sender is None else parts.sender.ramp_started_on
    grows = started is not None and ramp_volume(started, now.astimezone(UTC).date()) is not None
    ramp = parts.sender if grows and purpose_of(parts.template) == "marketing" else None
    return Pace(
        parts.email.hourly_limit, parts.email.daily_limit, parts.tenant.sending_weight,
        ramp.id if ramp else None, ramp.ramp_started_on if ramp else None,
    )  # fmt: skip


def run_content(parts: RunParts) -> RunContent:
    """What the run sends."""
    email, template, tenant = parts.email, parts.template, parts.tenant
    languages: tuple[Language, ...] = ("en", "bn") if template.html_content_bn else ("en",)
    host = tenant.tracking_domain
    return RunContent(
        template_id=template.id,
        template_version=template.version,
        subject_line=email.subject_line,
        subject_line_bn=email.subject_line_bn or template.subject_line_bn,
        sender_name=email.sender_name,
        sender_email=email.sender_email,
        reply_to=parts.sender.reply_to if parts.sender else None,
        languages=languages,
        default_language=tenant.default_language,
        footer=Footer(tenant.name, tenant.postal_address, tenant.privacy_url),
        public_url=f"https://{host}" if host else parts.public_url,
        content=email.content,
        content_bn=email.content_bn,
        utm={"utm_source": "meghdoot", "utm_medium": "email", "utm_campaign": email.id},
        # A vendor's own domain serves pixels and links too.
        tracking_url="" if host else parts.tracking_url,
    )


def purpose_of(template: Template) -> Purpose:
    """Marketing needs consent and obeys caps and quiet hours; transactional mail does not."""
    return "marketing" if template.is_marketing else "transactional"


def links_of(template: Template, content: RunContent) -> tuple[Link, ...]:
    """The tracked links of the mail in all its languages; an address has one number.

    Raises Invalid for an address that cannot be linked to, or for values that do not fit the template.
    """
    table = LinkTable()
    for language in content.languages:
        bangla = language == "bn"
        compile_email(
            template,
            language,
            footer=content.footer,
            links=table,
            utm=content.utm,
            content={**content.content, **(content.content_bn if bangla else {})},
            subject_override=(bangla and content.subject_line_bn) or content.subject_line,
        )
    return table.links
