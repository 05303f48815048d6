"""Segments."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.areas.segments.model import Segment, SegmentCustomer
from meghdoot.areas.segments.service import SegmentDraft
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import one_page
from meghdoot.http.schemas.common import given
from meghdoot.http.schemas.segments import (
    CountAnswer,
    SegmentAnswer,
    SegmentCustomerAnswer,
    SegmentCustomers,
    SegmentList,
)
from meghdoot.kernel.paging import Page
from meghdoot.wiring.services import Services

resource = Resource()


def _id(call: Call) -> str:
    return call.path["segment_id"]


@resource.view
def create_segment(services: Services, call: Call) -> SegmentAnswer:
    segment = services.segments.create(call.tenant, call.principal.actor, SegmentDraft(**given(call.body)))
    note(services, call, "segment.create", segment.id)
    return SegmentAnswer.of(segment)


@resource.view
def list_segments(services: Services, call: Call) -> SegmentList:
    def fetch(limit: int, after: str | None) -> Page[Segment]:
        return services.segments.page(call.tenant, limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after, call.query.page)
    return SegmentList(segments=[SegmentAnswer.of(s) for s in page.items], after=page.after)


@resource.view
def preview_segment(services: Services, call: Call) -> CountAnswer:
    criteria = call.body.criteria
    words = services.segments.sentence(call.tenant, criteria)
    return CountAnswer.of(services.segments.preview_count(call.tenant, criteria), words)


@resource.view
def get_segment(services: Services, call: Call) -> SegmentAnswer:
    return SegmentAnswer.of(services.segments.get(call.tenant, _id(call)))


@resource.view
def update_segment(services: Services, call: Call) -> SegmentAnswer:
    segment = services.segments.update(call.tenant, _id(call), given(call.body), call.expected_version)
    note(services, call, "segment.update", segment.id)
    return SegmentAnswer.of(segment)


@resource.view
def delete_segment(services: Services, call: Call) -> None:
    services.segments.delete(call.tenant, _id(call))
    note(services, call, "segment.delete", _id(call))


@resource.view
def refresh_segment(services: Services, call: Call) -> SegmentAnswer:
    segment = services.segments.get(call.tenant, _id(call))
    services.refresher.start(call.tenant, segment.id)
    return SegmentAnswer.of(services.segments.get(call.tenant, segment.id))


@resource.view
def list_segment_customers(services: Services, call: Call) -> SegmentCustomers:
    def fetch(limit: int, after: str | None) -> Page[SegmentCustomer]:
        return services.segments.customers(call.tenant, _id(call), sort=call.query.sort, limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after, call.query.page)
    currency = services.tenants.get(call.tenant).currency
    profiles = services.customers.customers.get_many(call.tenant, [row.customer_id for row in page.items])
    rows = [SegmentCustomerAnswer.of(row, currency, profiles.get(row.customer_id)) for row in page.items]
    return SegmentCustomers(customers=rows, currency=currency, after=page.after)
