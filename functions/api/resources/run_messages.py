"""Messages of runs as they were sent."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.http.endpoint import Call
from meghdoot.http.schemas.run_messages import RunMessageAnswer
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def get_run_message(services: Services, call: Call) -> RunMessageAnswer:
    run_id, customer_id = call.path["run_id"], call.path["customer_id"]
    message = services.sent_messages.message(call.tenant, run_id, customer_id)
    note(services, call, "message.read", customer_id, detail=run_id)
    return RunMessageAnswer.of(message)
