"""Segments in the mission's shape."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from meghdoot.areas.customers.model import Customer
from meghdoot.areas.segments.model import Count, Segment, SegmentCustomer, SegmentType
from meghdoot.http.schemas.common import LEFT_OUT, Amount, Answer, Body, Instant, Name, PagedQuery, Text
from meghdoot.kernel.money import exponent

Criteria = Annotated[
    dict[str, JsonValue],
    Field(
        description="A tree of conditions; see the reference of the segment language.",
        examples=[
            {
                "conditions": [
                    {"field": "customer_lifetime_value", "operator": "greater_than", "value": 50000},
                    {"field": "last_purchase_date", "operator": "within_days", "value": 90},
                ],
                "logic": "AND",
            }
        ],
    ),
]


class SegmentBody(Body):
    """A new segment."""

    segment_name: Name = Field(examples=["High Value Customers"])
    segment_name_bn: Name | None = Field(default=None, examples=["উচ্চ মূল্যের ক্রেতা"])
    description: Text | None = None
    segment_type: SegmentType = "custom"
    criteria: Criteria
    is_dynamic: bool = True


class SegmentChange(Body):
    """What changes; fields that are left out stay."""

    segment_name: Name = LEFT_OUT
    segment_name_bn: Name | None = None
    description: Text | None = None
    segment_type: SegmentType = LEFT_OUT
    criteria: Criteria = LEFT_OUT
    is_dynamic: bool = LEFT_OUT
    is_active: bool = LEFT_OUT


class PreviewBody(Body):
    """Criteria that are not saved yet."""

    criteria: Criteria


class SegmentAnswer(Answer):
    """A segment. `customer_count` was taken from the snapshot `snapshot_id` at `last_updated`."""

    id: str
    segment_name: str
    segment_name_bn: str | None
    description: str | None
    segment_type: SegmentType
    criteria: dict[str, Any]
    is_dynamic: bool
    is_active: bool
    customer_count: int
    last_updated: Instant | None
    snapshot_id: str | None
    created_by: str
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, s: Segment) -> SegmentAnswer:
        """From the stored segment."""
        return cls(
            id=s.id, segment_name=s.segment_name, segment_name_bn=s.segment_name_bn, description=s.description,
            segment_type=s.segment_type, criteria=dict(s.criteria), is_dynamic=s.is_dynamic, is_active=s.is_active,
            customer_count=s.customer_count, last_updated=s.last_updated, snapshot_id=s.snapshot_id,
            created_by=s.created_by, created_at=s.created_at, updated_at=s.updated_at, version=s.version,
        )  # fmt: skip


class SegmentListQuery(PagedQuery):
    """Segments, newest change first."""


class SegmentList(Answer):
    """Segments, newest change first."""

    segments: list[SegmentAnswer]
    after: str | None


class CountAnswer(Answer):
    """How many people meet the criteria, on one snapshot."""

    customer_count: int
    snapshot_id: str
    as_of: Instant
    snapshot_customers: int
    in_words: str | None = Field(description="The criteria as an English sentence.")

    @classmethod
    def of(cls, count: Count, in_words: str | None = None) -> CountAnswer:
        """From a count."""
        s = count.snapshot
        return cls(
            customer_count=count.people,
            snapshot_id=s.id,
            as_of=s.as_of,
            snapshot_customers=s.customers,
            in_words=in_words,
        )


SegmentSort = Literal[
    "customer_id_asc", "customer_id_desc", "customer_lifetime_value_asc", "customer_lifetime_value_desc",
    "last_purchase_date_asc", "last_purchase_date_desc", "total_orders_asc", "total_orders_desc",
]  # fmt: skip


class SegmentCustomersQuery(PagedQuery):
    """A page of a segment's customers."""

    sort: SegmentSort = "customer_id_asc"


class SegmentCustomerAnswer(Answer):
    """A person of the segment, as the snapshot knows them; the lake holds no addresses."""

    customer_id: str
    email: str | None
    phone: str | None
    customer_lifetime_value: Amount
    last_purchase_date: Instant | None
    total_orders: int
    avg_order_value: Amount

    @classmethod
    def of(cls, row: SegmentCustomer, currency: str, profile: Customer | None) -> SegmentCustomerAnswer:
        """From a row of the snapshot and the profile, which may be gone by now."""
        places = exponent(currency)
        value = Decimal(row.customer_lifetime_value_minor).scaleb(-places)
        average = value / row.total_orders if row.total_orders else Decimal(0)
        return cls(
            customer_id=row.customer_id, email=profile.email if profile else None,
            phone=profile.phone if profile else None, customer_lifetime_value=value,
            last_purchase_date=row.last_purchase_at, total_orders=row.total_orders,
            avg_order_value=round(average, places),
        )  # fmt: skip


class SegmentCustomers(Answer):
    """Customers in the order asked for."""

    customers: list[SegmentCustomerAnswer]
    currency: str
    after: str | None
