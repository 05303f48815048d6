"""API keys and the audit log."""

from __future__ import annotations

from datetime import timedelta

from api.resource import Resource
from meghdoot.areas.access.model import AuditEntry
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import one_page
from meghdoot.http.schemas.access import ApiKeyAnswer, ApiKeyList, AuditAnswer, AuditList, NewApiKeyAnswer
from meghdoot.kernel.paging import Page
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def create_api_key(services: Services, call: Call) -> NewApiKeyAnswer:
    body = call.body
    key, text = services.access.create_key(call.tenant, body.name, body.role, body.scopes, call.principal.actor)
    return NewApiKeyAnswer(api_key=text, key=ApiKeyAnswer.of(key))


@resource.view
def list_api_keys(services: Services, call: Call) -> ApiKeyList:
    return ApiKeyList(keys=[ApiKeyAnswer.of(key) for key in services.access.list(call.tenant)])


@resource.view
def rotate_api_key(services: Services, call: Call) -> NewApiKeyAnswer:
    overlap = timedelta(hours=call.body.overlap_hours)
    key, text = services.access.rotate(call.tenant, call.path["key_id"], overlap, call.principal.actor)
    return NewApiKeyAnswer(api_key=text, key=ApiKeyAnswer.of(key))


@resource.view
def revoke_api_key(services: Services, call: Call) -> None:
    services.access.revoke(call.tenant, call.path["key_id"], call.principal.actor)


@resource.view
def list_audit(services: Services, call: Call) -> AuditList:
    def fetch(limit: int, after: str | None) -> Page[AuditEntry]:
        return services.access.audit_page(call.tenant, limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after)
    return AuditList(entries=[AuditAnswer.of(entry) for entry in page.items], after=page.after)
