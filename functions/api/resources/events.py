"""What customers did."""

from __future__ import annotations

from api.resource import Resource
from meghdoot.areas.customers.inputs import EventInput
from meghdoot.areas.customers.model import Event
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import one_page
from meghdoot.http.schemas.common import money
from meghdoot.http.schemas.customers import BatchAnswer, EventAnswer, EventBody, EventList, EventResult, RowAnswer
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.paging import Page
from meghdoot.wiring.services import Services

resource = Resource()


def _input(body: EventBody, currency: str) -> EventInput:
    amount = None if body.amount is None else money("amount", body.amount, body.currency or currency)
    return EventInput(
        type=body.type, customer_id=body.customer_id, external_id=body.external_id, email=body.email, phone=body.phone,
        event_id=body.id, at=body.at, amount=amount, order_id=body.order_id, properties=body.properties,
    )  # fmt: skip


@resource.view
def add_event(services: Services, call: Call) -> EventResult:
    given = _input(call.body, services.tenants.get(call.tenant).currency)
    event, stored = services.customers.record_event(call.tenant, given)
    return EventResult(result=stored, id=event.id, customer_id=event.customer_id)


@resource.view
def add_events(services: Services, call: Call) -> BatchAnswer:
    currency = services.tenants.get(call.tenant).currency
    rows: dict[int, RowAnswer] = {}
    given: dict[int, EventInput] = {}
    for n, body in enumerate(call.body.events):
        try:
            given[n] = _input(body, currency)
        except Invalid as e:
            rows[n] = RowAnswer.failed(n, e)
    for n, result in zip(given, services.customers.record_events(call.tenant, list(given.values())), strict=True):
        if result.event is None or result.stored is None:
            rows[n] = RowAnswer.failed(n, result.error)
        else:
            rows[n] = RowAnswer(index=n, result=result.stored, id=result.event.id)
    return BatchAnswer.of([rows[n] for n in sorted(rows)])


@resource.view
def list_customer_events(services: Services, call: Call) -> EventList:
    def fetch(limit: int, after: str | None) -> Page[Event]:
        return services.customers.timeline(call.tenant, call.path["customer_id"], limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after)
    return EventList(events=[EventAnswer.of(event) for event in page.items], after=page.after)
