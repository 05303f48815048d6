"""The tenant's settings and senders."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.http.endpoint import Call
from meghdoot.http.schemas.common import given
from meghdoot.http.schemas.tenants import SenderAnswer, SenderList, TenantAnswer
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def get_tenant(services: Services, call: Call) -> TenantAnswer:
    return TenantAnswer.of(services.tenants.get(call.tenant))


@resource.view
def put_tenant(services: Services, call: Call) -> TenantAnswer:
    changes = given(call.body)
    if "timezone" in changes:
        changes["zone"] = changes.pop("timezone")
    tenant = services.tenants.update(call.tenant, changes, call.expected_version)
    note(services, call, "tenant.update", call.tenant)
    return TenantAnswer.of(tenant)


@resource.view
def create_sender(services: Services, call: Call) -> SenderAnswer:
    body = call.body
    sender = services.tenants.add_sender(
        call.tenant, body.sender_email, body.display_name, body.reply_to, body.ramp_started_on
    )
    note(services, call, "sender.create", _domain(sender.id))
    return SenderAnswer.of(sender)


@resource.view
def list_senders(services: Services, call: Call) -> SenderList:
    return SenderList(senders=[SenderAnswer.of(s) for s in services.tenants.list_senders(call.tenant)])


@resource.view
def verify_sender(services: Services, call: Call) -> SenderAnswer:
    return SenderAnswer.of(services.tenants.refresh_sender(call.tenant, call.path["sender_id"]))


@resource.view
def put_sender(services: Services, call: Call) -> SenderAnswer:
    sender = services.tenants.ramp_sender(
        call.tenant, call.path["sender_id"], call.body.ramp_started_on, call.expected_version
    )
    note(services, call, "sender.update", _domain(sender.id))
    return SenderAnswer.of(sender)


@resource.view
def delete_sender(services: Services, call: Call) -> None:
    sender = services.tenants.get_sender(call.tenant, call.path["sender_id"])
    services.tenants.remove_sender(call.tenant, sender.id)
    note(services, call, "sender.delete", _domain(sender.id))


def _domain(sender_id: str) -> str:
    """The audit log holds no address."""
    return sender_id.rpartition("@")[2]
