"""Customers and their attributes."""

from __future__ import annotations

from typing import Any

from api.audit import note
from api.resource import Resource
from meghdoot.areas.customers.inputs import CustomerInput, UpsertResult
from meghdoot.areas.customers.model import Customer
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import one_page
from meghdoot.http.schemas.common import given
from meghdoot.http.schemas.customers import (
    AttributeAnswer,
    AttributeList,
    BatchAnswer,
    CustomerAnswer,
    CustomerBody,
    CustomerList,
    RowAnswer,
    UpsertAnswer,
)
from meghdoot.kernel.paging import Page
from meghdoot.wiring.services import Services

resource = Resource()


def _input(body: CustomerBody) -> CustomerInput:
    fields: dict[str, Any] = given(body)
    if "timezone" in fields:
        fields["zone"] = fields.pop("timezone")
    if fields.get("tags") is not None:
        fields["tags"] = tuple(fields["tags"])
    return CustomerInput(**fields)


@resource.view
def upsert_customer(services: Services, call: Call) -> UpsertAnswer:
    customer, stored = services.addresses.upsert(call.tenant, _input(call.body))
    return UpsertAnswer(result=stored, customer=CustomerAnswer.of(customer), version=customer.version)


@resource.view
def upsert_customers(services: Services, call: Call) -> BatchAnswer:
    results = services.addresses.upsert_many(call.tenant, [_input(body) for body in call.body.customers])
    return BatchAnswer.of([_row(n, result) for n, result in enumerate(results)])


def _row(index: int, result: UpsertResult) -> RowAnswer:
    if result.error is not None:
        return RowAnswer.failed(index, result.error)
    return RowAnswer(index=index, result=result.stored, id=result.customer.id)  # type: ignore[union-attr]


@resource.view
def list_customers(services: Services, call: Call) -> CustomerList:
    def fetch(limit: int, after: str | None) -> Page[Customer]:
        return services.customers.page(call.tenant, limit=limit, after=after)

    page = one_page(fetch, call.cursors, call.query.limit, call.query.after)
    return CustomerList(customers=[CustomerAnswer.of(c) for c in page.items], after=page.after)


@resource.view
def get_customer(services: Services, call: Call) -> CustomerAnswer:
    return CustomerAnswer.of(services.customers.get(call.tenant, call.path["customer_id"]))


@resource.view
def delete_customer(services: Services, call: Call) -> None:
    services.addresses.erase(call.tenant, call.path["customer_id"])
    note(services, call, "customer.delete", call.path["customer_id"])


@resource.view
def define_attribute(services: Services, call: Call) -> AttributeAnswer:
    return AttributeAnswer.of(services.customers.declare_attribute(call.tenant, call.body.name, call.body.type))


@resource.view
def list_attributes(services: Services, call: Call) -> AttributeList:
    found = services.customers.list_attributes(call.tenant)
    return AttributeList(attributes=[AttributeAnswer.of(definition) for definition in found])
