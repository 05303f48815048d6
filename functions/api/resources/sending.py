"""Whether the tenant sends: look, stop everything, go on."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.http.endpoint import Call
from meghdoot.http.schemas.reputation import ReputationAnswer
from meghdoot.http.schemas.sending import HoldAnswer, ResumedAnswer, SendingAnswer
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def get_sending(services: Services, call: Call) -> SendingAnswer:
    return SendingAnswer.of(services.sending.hold(call.tenant))


@resource.view
def stop_sending(services: Services, call: Call) -> SendingAnswer:
    hold = services.sending.stop(call.tenant, call.principal.actor, call.body.reason)
    note(services, call, "sending.stop", call.tenant, hold.cause)
    return SendingAnswer.of(hold)


@resource.view
def resume_sending(services: Services, call: Call) -> ResumedAnswer:
    hold, runs = services.reputation.resume(call.tenant)
    note(services, call, "sending.resume", call.tenant, f"{hold.cause}, {runs} runs go on")
    return ResumedAnswer(lifted=HoldAnswer.of(hold), runs=runs)


@resource.view
def get_reputation(services: Services, call: Call) -> ReputationAnswer:
    return ReputationAnswer.of(services.reputation.standing(call.tenant), services.reputation.days(call.tenant))
