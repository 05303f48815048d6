"""Customers, their events, attributes and imports."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from meghdoot.areas.customers.model import AttributeDefinition, AttributeType, Customer, Event, StoredAs
from meghdoot.http.schemas.common import (
    LEFT_OUT,
    Amount,
    Answer,
    Body,
    Currency,
    Instant,
    ListQuery,
    Query,
    Ref,
    Zone,
    amount,
)
from meghdoot.kernel.errors import AppError
from meghdoot.kernel.i18n import Language

Value = str | int | float | bool
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=255)]
LongValue = Annotated[str, StringConstraints(max_length=1024)] | int | float | bool


class CustomerBody(Body):
    """A person, found by any identity, else created. Fields that are left out stay as they are; null clears."""

    external_id: Ref | None = None
    email: Annotated[str, StringConstraints(max_length=512)] | None = Field(
        default=None, examples=["rahima@example.com"]
    )
    phone: Annotated[str, StringConstraints(max_length=64)] | None = Field(default=None, examples=["+8801712345678"])
    first_name: Short | None = None
    last_name: Short | None = None
    language: Language | None = None
    timezone: Zone | None = None
    gender: Short | None = None
    birth_date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    city: Short | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    tags: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] | None = Field(
        default=None, max_length=100
    )
    attributes: dict[AttributeName, LongValue | None] | None = Field(default=None, max_length=100)
    is_active: bool = LEFT_OUT


class CustomerBatchBody(Body):
    """Up to 500 people."""

    customers: list[CustomerBody] = Field(min_length=1, max_length=500)


class CustomerAnswer(Answer):
    """A profile."""

    id: str
    external_id: str | None
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    language: Language | None
    timezone: str | None
    gender: str | None
    birth_date: str | None
    city: str | None
    country: str | None
    tags: list[str]
    attributes: dict[str, Value]
    is_active: bool
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, c: Customer) -> CustomerAnswer:
        """From the stored profile."""
        return cls(
            id=c.id, external_id=c.external_id, email=c.email, phone=c.phone, first_name=c.first_name,
            last_name=c.last_name, language=c.language, timezone=c.zone, gender=c.gender, birth_date=c.birth_date,
            city=c.city, country=c.country, tags=list(c.tags), attributes=dict(c.attributes), is_active=c.is_active,
            created_at=c.created_at, updated_at=c.updated_at, version=c.version,
        )  # fmt: skip


class UpsertAnswer(Answer):
    """What became of one person."""

    result: StoredAs
    customer: CustomerAnswer
    version: int


class RowAnswer(Answer):
    """What became of one row of a batch, in its order."""

    index: int
    result: StoredAs | Literal["failed"]
    id: str | None = None
    code: str | None = None
    field: str | None = None
    message: str | None = None

    @classmethod
    def failed(cls, index: int, error: AppError | None) -> RowAnswer:
        """A row that was refused."""
        if error is None:
            return cls(index=index, result="failed", code="not_stored", message="it was not stored")
        field = error.fields[0].field if error.fields else None
        code = error.fields[0].code if error.fields else error.code
        return cls(index=index, result="failed", code=code, field=field, message=error.detail)


class BatchAnswer(Answer):
    """Totals and rows."""

    created: int
    updated: int
    unchanged: int
    duplicates: int
    failed: int
    results: list[RowAnswer]

    @classmethod
    def of(cls, rows: list[RowAnswer]) -> BatchAnswer:
        """Totals of the rows."""
        counts = Counter(row.result for row in rows)
        return cls(
            created=counts["created"], updated=counts["updated"], unchanged=counts["unchanged"],
            duplicates=counts["duplicate"], failed=counts["failed"], results=rows,
        )  # fmt: skip


class CustomerList(Answer):
    """People in a stable order."""

    customers: list[CustomerAnswer]
    after: str | None


class EventBody(Body):
    """Something a customer did. The same `id` again is the same event."""

    id: Ref | None = Field(default=None, description="Left out, every request is a new event.")
    customer_id: Ref | None = Field(default=None, description="Either this, or `external_id`, or `email`.")
    external_id: Ref | None = None
    email: Annotated[str, StringConstraints(max_length=512)] | None = None
    phone: Annotated[str, StringConstraints(max_length=64)] | None = None
    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = Field(examples=["purchase"])
    at: Instant | None = None
    amount: Amount | None = Field(default=None, examples=[1250.5])
    currency: Currency | None = None
    order_id: Ref | None = None
    properties: dict[AttributeName, LongValue] = Field(default_factory=dict, max_length=100)


class EventBatchBody(Body):
    """Up to 500 events."""

    events: list[EventBody] = Field(min_length=1, max_length=500)


class EventAnswer(Answer):
    """A stored event."""

    id: str
    customer_id: str
    type: str
    at: Instant
    received_at: Instant
    amount: Amount | None
    currency: str | None
    order_id: str | None
    properties: dict[str, Value]

    @classmethod
    def of(cls, e: Event) -> EventAnswer:
        """From the stored event."""
        return cls(
            id=e.id, customer_id=e.customer_id, type=e.type, at=e.at, received_at=e.received_at,
            amount=amount(e.amount), currency=None if e.amount is None else e.amount.currency, order_id=e.order_id,
            properties=dict(e.properties),
        )  # fmt: skip


class EventResult(Answer):
    """What became of one event."""

    result: StoredAs
    id: str
    customer_id: str


class EventList(Answer):
    """A customer's events, newest first."""

    events: list[EventAnswer]
    after: str | None


class AttributeBody(Body):
    """A custom attribute; its type never changes."""

    name: AttributeName
    type: AttributeType


class AttributeAnswer(Answer):
    """A custom attribute."""

    name: str
    type: AttributeType
    updated_at: Instant

    @classmethod
    def of(cls, d: AttributeDefinition) -> AttributeAnswer:
        """From the stored definition."""
        return cls(name=d.id, type=d.type, updated_at=d.updated_at)


class AttributeList(Answer):
    """All custom attributes."""

    attributes: list[AttributeAnswer]


class CustomerListQuery(ListQuery):
    """A page of people."""


class ImportQuery(Query):
    """What the people of a file agreed to; without a text version no consent is recorded."""

    consent_text_version: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class ImportFailure(Answer):
    """A row that was not taken."""

    row: int = Field(description="Line of the file; the header is line 1.")
    field: str | None
    code: str
    message: str


class ImportAnswer(Answer):
    """Totals of an import."""

    rows: int
    created: int
    updated: int
    unchanged: int
    failed: int
    errors: list[ImportFailure]
