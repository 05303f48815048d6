"""What all messages of one template version from one sender share, stored once and pinned by every message."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from meghdoot.areas.consent.model import Purpose
from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Footer, Link, Template
from meghdoot.areas.content.names import SYSTEM_FIELDS
from meghdoot.areas.content.ports import Templates, TemplateVersions
from meghdoot.areas.messaging.model import RunContent
from meghdoot.areas.messaging.ports import RunLinks
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.model import Composition, SingleRequest
from meghdoot.areas.messaging.singles.ports import Compositions
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.areas.tenants.service import TenantService
from meghdoot.kernel.addresses import normalise_email
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class SingleComposer:
    """Pins template and sender of a request."""

    tenants: TenantService
    templates: Templates
    versions: TemplateVersions
    compositions: Compositions
    links: RunLinks
    clock: Clock
    public_url: str

    def compose(self, tenant: Tenant, wanted: SingleRequest) -> tuple[Composition, Template]:
        """The stored composition of a request, and its template.

        Raises NotFound (`template_not_found`, `sender_not_found`) and Invalid (`sender_not_verified`,
        `purpose_of_template`, a reserved variable).
        """
        _refuse_reserved(wanted.variables)
        template = self._template(wanted, tenant.id)
        purpose: Purpose = "marketing" if template.is_marketing else "transactional"
        if purpose != wanted.purpose:
            # Else a promotion would pass for a receipt, and nobody's consent would be asked.
            raise Invalid.field("purpose", "purpose_of_template", f"the template's category makes it {purpose}")
        sender = self.tenants.sender_for(tenant.id, wanted.sender_email)
        if sender.status != "verified":
            raise Invalid.field("sender_email", "sender_not_verified", "the provider has not verified this sender")
        content = _content(tenant, wanted, template, sender, self.public_url)
        return self._stored(Composition(tenant.id, "", purpose, content, self.clock.now()), template), template

    def _template(self, wanted: SingleRequest, tenant: str) -> Template:
        pinned = wanted.template_version
        if pinned is None:
            template = self.templates.get(tenant, wanted.template_id)
        else:
            template = self.versions.get(tenant, wanted.template_id, pinned)
        if template is None:
            raise NotFound("there is no such template", code="template_not_found")
        return template

    def _stored(self, drafted: Composition, template: Template) -> Composition:
        named = replace(drafted, id=rules.composition_id(drafted))
        known = self.compositions.get(named.tenant, named.id)
        if known is not None:
            return known
        whole = replace(named, content=replace(named.content, links=numbered_links(template, named.content)))
        # Links first: once the composition stands, messages with these links may leave.
        self.links.put(whole.tenant, whole.id, whole.content.links)
        with suppress(Conflict):
            # Taken means written by somebody else just now, and equal: the id says so.
            self.compositions.add(whole)
        return whole


def numbered_links(template: Template, content: RunContent) -> tuple[Link, ...]:
    """The tracked links of the mail in all its languages; an address has one number. Raises Invalid."""
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


def _content(
    tenant: Tenant, wanted: SingleRequest, template: Template, sender: SenderIdentity, public_url: str
) -> RunContent:
    return RunContent(
        template_id=template.id,
        template_version=template.version,
        subject_line=template.subject_line,
        subject_line_bn=template.subject_line_bn,
        sender_name=wanted.sender_name or sender.display_name,
        sender_email=normalise_email(wanted.sender_email, "sender_email"),
        reply_to=sender.reply_to,
        languages=("en", "bn") if template.html_content_bn else ("en",),
        default_language=tenant.default_language,
        footer=Footer(tenant.name, tenant.postal_address, tenant.privacy_url),
        public_url=f"https://{tenant.tracking_domain}" if tenant.tracking_domain else public_url,
    )


def _refuse_reserved(variables: Mapping[str, Any]) -> None:
    for name in variables:
        if name in SYSTEM_FIELDS or name.startswith("_"):
            raise Invalid.field(f"variables.{name[:64]}", "reserved_variable", "is filled in by us")
