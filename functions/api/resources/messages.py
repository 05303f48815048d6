"""Single messages."""

from __future__ import annotations

from api.resource import Resource
from meghdoot.areas.messaging.singles.model import SingleRequest
from meghdoot.areas.messaging.singles.rules import CHANNELS_NOW
from meghdoot.http.endpoint import Call
from meghdoot.http.schemas.messages import MessageAnswer, MessageBody
from meghdoot.kernel.errors import Invalid
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def send_message(services: Services, call: Call) -> MessageAnswer:
    # No line in the audit log: the message itself is kept, and a log by month would be one key for every message.
    return MessageAnswer.of(
        services.singles.accept(call.tenant, _request(call.body, call.body.key or call.idempotency_key))
    )


@resource.view
def get_message(services: Services, call: Call) -> MessageAnswer:
    return MessageAnswer.of(services.singles.get(call.tenant, call.path["message_id"]))


def _request(body: MessageBody, key: str | None) -> SingleRequest:
    if body.channel not in CHANNELS_NOW:
        raise Invalid.field("channel", "channel_not_available", "only email so far")
    if key is None:
        raise Invalid.field("key", "idempotency_key_required", "send the header Idempotency-Key, or this field")
    return SingleRequest(
        key, body.template_id, body.sender_email, body.purpose, body.message_class, body.customer_id, body.email,
        body.template_version, body.sender_name, body.language, body.variables,
    )  # fmt: skip
