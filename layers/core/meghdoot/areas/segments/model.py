"""Segments: the criteria tree and the stored definition. The tree's pydantic form is `areas.segments.criteria`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

SegmentType = Literal["demographic", "behavioral", "geographic", "psychographic", "custom"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A named group of customers. `criteria` is the mission's tree as plain JSON, checked when it was saved."""

    tenant: str
    id: str
    segment_name: str
    segment_name_bn: str | None
    description: str | None
    segment_type: SegmentType
    criteria: Mapping[str, Any]
    is_dynamic: bool
    created_by: str
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    customer_count: int = 0
    last_updated: datetime | None = None
    """When the count was taken."""
    snapshot_id: str | None = None
    """The snapshot that the count belongs to: two reads of one snapshot are equal."""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Locale:
    """Where a tenant is at home: its days begin in `zone`, amounts of criteria are in `currency`."""

    zone: str
    currency: str


SortKey = Literal["customer_id", "customer_lifetime_value", "last_purchase_date", "total_orders"]


@dataclass(frozen=True, slots=True)
class SegmentCustomer:
    """A row of a segment's customer list, from the snapshot: no address stands in the lake."""

    customer_id: str
    customer_lifetime_value_minor: int
    total_orders: int
    last_purchase_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a count was taken from: the manifest's version and the instant up to which it holds everything."""

    id: str
    as_of: datetime
    customers: int
    events: int


@dataclass(frozen=True, slots=True)
class Count:
    """People in a segment, on one snapshot."""

    people: int
    snapshot: Snapshot
