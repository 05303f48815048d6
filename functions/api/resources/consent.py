"""Consent, suppression and unsubscribes."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.areas.consent.model import ConsentEntry
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import one_page
from meghdoot.http.schemas.consent import (
    ConsentAct,
    ConsentAnswer,
    ConsentBatchAnswer,
    ConsentList,
    ConsentRow,
    GateAnswer,
    SuppressionAnswer,
    UnsubscribeAnswer,
    UnsubscribeList,
    UnsubscribeRow,
)
from meghdoot.kernel.errors import AppError, Invalid, Throttled, Unavailable
from meghdoot.kernel.paging import Page
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def record_consent(services: Services, call: Call) -> ConsentAnswer:
    entry = services.consent.record(call.tenant, call.path["customer_id"], **call.body.model_dump())
    return ConsentAnswer.of(entry)


@resource.view
def list_consent(services: Services, call: Call) -> ConsentList:
    customer_id = call.path["customer_id"]
    services.consent.gate(call.tenant, customer_id)

    def fetch(limit: int, after: str | None) -> Page[ConsentEntry]:
        return services.consent.history(call.tenant, customer_id, limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after)
    return ConsentList(entries=[ConsentAnswer.of(entry) for entry in page.items], after=page.after)


@resource.view
def get_gate(services: Services, call: Call) -> GateAnswer:
    return GateAnswer.of(services.consent.gate(call.tenant, call.path["customer_id"]))


@resource.view
def record_consents(services: Services, call: Call) -> ConsentBatchAnswer:
    rows = [_act(services, call, n, act) for n, act in enumerate(call.body.acts)]
    failed = sum(row.result == "failed" for row in rows)
    return ConsentBatchAnswer(created=len(rows) - failed, failed=failed, results=rows)


def _act(services: Services, call: Call, index: int, act: ConsentAct) -> ConsentRow:
    try:
        customer_id = _customer_of(services, call, act)
        fields = act.model_dump(exclude={"customer_id", "external_id", "email"})
        services.consent.record(call.tenant, customer_id, **fields)
    except (Throttled, Unavailable):
        raise
    except AppError as e:
        wrong = e.fields[0] if e.fields else None
        return ConsentRow(
            index=index, result="failed", code=wrong.code if wrong else e.code, field=wrong.field if wrong else None,
            message=e.detail,
        )  # fmt: skip
    return ConsentRow(index=index, result="created", customer_id=customer_id)


def _customer_of(services: Services, call: Call, act: ConsentAct) -> str:
    if act.customer_id is not None:
        return services.customers.get(call.tenant, act.customer_id).id
    if act.external_id is not None:
        return services.customers.find(call.tenant, "external_id", act.external_id).id
    if act.email is not None:
        return services.customers.find(call.tenant, "email", act.email).id
    raise Invalid.field("customer_id", "identity_required", "customer_id, external_id or email is needed")


@resource.view
def add_suppression(services: Services, call: Call) -> SuppressionAnswer:
    body = call.body
    stored = services.addresses.suppress(call.tenant, body.channel, body.address, body.reason)
    note(services, call, "suppression.add", stored.address_key, f"{stored.channel} {stored.reason}")
    return SuppressionAnswer.of(stored)


@resource.view
def get_suppression(services: Services, call: Call) -> SuppressionAnswer:
    return SuppressionAnswer.of(services.addresses.suppression(call.tenant, call.query.channel, call.query.address))


@resource.view
def lift_suppression(services: Services, call: Call) -> None:
    known = services.addresses.suppression(call.tenant, call.query.channel, call.query.address)
    services.addresses.lift(call.tenant, call.query.channel, call.query.address)
    note(services, call, "suppression.lift", known.address_key, known.channel)


@resource.view
def list_unsubscribes(services: Services, call: Call) -> UnsubscribeList:
    def fetch(limit: int, after: str | None) -> Page[ConsentEntry]:
        return services.consent.unsubscribes(call.tenant, "email", limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after)
    return UnsubscribeList(unsubscribes=[UnsubscribeRow.of(entry) for entry in page.items], after=page.after)


@resource.view
def unsubscribe(services: Services, call: Call) -> UnsubscribeAnswer:
    services.addresses.unsubscribe(call.tenant, call.body.email, call.body.reason, "api")
    return UnsubscribeAnswer(unsubscribed=True)
