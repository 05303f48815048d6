"""What segments need from the outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from meghdoot.areas.segments.model import Count, Segment, SegmentCustomer, Snapshot, SortKey
from meghdoot.kernel.paging import Page
from meghdoot.kernel.records import Records


class Segments(Records[Segment], Protocol):
    """The stored segments."""


class QueryEngine(Protocol):
    """Runs criteria over a tenant's snapshot. `zone` is the tenant's: days begin at its midnight."""

    def snapshot(self, tenant: str) -> Snapshot:
        """The newest snapshot (empty when nothing was compacted yet)."""
        ...

    def count(self, tenant: str, criteria: Mapping[str, Any], *, now: datetime, zone: str) -> Count:
        """How many customers meet the criteria."""
        ...

    def page(
        self,
        tenant: str,
        criteria: Mapping[str, Any],
        *,
        now: datetime,
        zone: str,
        sort: SortKey,
        descending: bool,
        limit: int,
        after: str | None,
    ) -> Page[SegmentCustomer]:
        """Customers in the order asked for, ties by id."""
        ...

    def members(
        self, tenant: str, criteria: list[Mapping[str, Any]], *, now: datetime, zone: str, slice_: int, slices: int
    ) -> Iterator[str]:
        """Customer ids that meet any of the criteria, in order, of one hash slice (`kernel.assign.bucket("audience", id, slices)`)."""
        ...


class Compactor(Protocol):
    """Turns what the archive appended into the next snapshot."""

    def compact(self, tenant: str) -> Snapshot:
        """Read new archive files, drop duplicates, keep the highest versions, replace the manifest by compare-and-set."""
        ...


class RefreshMachine(Protocol):
    """Starts the state machine `segment_refresh`."""

    def start(self, tenant: str, segment_id: str | None) -> None:
        """Bring the tenant's snapshot up to date, then count the segment when one is named. Raises Throttled, Unavailable."""
        ...
