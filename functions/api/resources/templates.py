"""Templates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.audit import note
from api.resource import Resource
from meghdoot.areas.access.rules import require
from meghdoot.areas.content.model import Footer, Template
from meghdoot.areas.content.names import PERSON_FIELDS, customer_fields
from meghdoot.areas.content.service import TemplateDraft
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import one_page
from meghdoot.http.schemas.common import given
from meghdoot.http.schemas.content import CheckAnswer, RenderedAnswer, TemplateAnswer, TemplateList, variables
from meghdoot.kernel.i18n import Language
from meghdoot.kernel.paging import Page
from meghdoot.wiring.services import Services

resource = Resource()


def _id(call: Call) -> str:
    return call.path["template_id"]


def _fields(call: Call) -> dict[str, Any]:
    fields = given(call.body)
    if fields.get("variables") is not None:
        fields["variables"] = variables(fields["variables"])
    return fields


@resource.view
def create_template(services: Services, call: Call) -> TemplateAnswer:
    template = services.templates.create(call.tenant, call.principal.actor, TemplateDraft(**_fields(call)))
    note(services, call, "template.create", template.id)
    return TemplateAnswer.of(template)


@resource.view
def list_templates(services: Services, call: Call) -> TemplateList:
    def fetch(limit: int, after: str | None) -> Page[Template]:
        return services.templates.page(call.tenant, limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after, call.query.page)
    return TemplateList(templates=[TemplateAnswer.of(t) for t in page.items], after=page.after)


@resource.view
def get_template(services: Services, call: Call) -> TemplateAnswer:
    return TemplateAnswer.of(services.templates.get(call.tenant, _id(call)))


@resource.view
def update_template(services: Services, call: Call) -> TemplateAnswer:
    stored = services.templates.get(call.tenant, _id(call))
    draft = TemplateDraft(**{name: getattr(stored, name) for name in TemplateDraft.__slots__})
    changed = replace(draft, **_fields(call))
    template = services.templates.update(call.tenant, _id(call), changed, call.expected_version or stored.version)
    note(services, call, "template.update", template.id, f"version {template.version}")
    return TemplateAnswer.of(template)


@resource.view
def delete_template(services: Services, call: Call) -> None:
    services.templates.delete(call.tenant, _id(call))
    note(services, call, "template.delete", _id(call))


@resource.view
def preview_template(services: Services, call: Call) -> RenderedAnswer:
    tenant = services.tenants.get(call.tenant)
    footer = Footer(tenant.name, tenant.postal_address, tenant.privacy_url)
    language, fields = _reader(services, call)
    mail = services.templates.preview(
        call.tenant, _id(call), language=language or tenant.default_language, fields=fields, footer=footer
    )
    return RenderedAnswer.of(mail)


def _reader(services: Services, call: Call) -> tuple[Language | None, dict[str, Any]]:
    """Whose eyes the mail is seen with. Raises NotFound, and Forbidden for a key that may not read customers."""
    body = call.body
    if body.customer_id is None:
        return body.language, body.data
    require(call.principal, "customers:read")
    customer = services.customers.get(call.tenant, body.customer_id)
    return body.language or customer.language, {**customer_fields(customer, PERSON_FIELDS), **body.data}


@resource.view
def check_template(services: Services, call: Call) -> CheckAnswer:
    return CheckAnswer.of(services.templates.check(call.tenant, _id(call)))
