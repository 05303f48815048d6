"""Use cases of segments. Consent is no part of a segment: the sender asks for it when it sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from meghdoot.areas.segments.cursor import parse_sort
from meghdoot.areas.segments.model import Count, Locale, Segment, SegmentCustomer, SegmentType
from meghdoot.areas.segments.plan import Context
from meghdoot.areas.segments.ports import QueryEngine, Segments
from meghdoot.areas.segments.resolve import plan
from meghdoot.areas.segments.sentence import sentence
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import FieldError, Invalid, NotFound, Stale
from meghdoot.kernel.i18n import Language, nfc
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.paging import Page

_EDITABLE = frozenset(
    {"segment_name", "segment_name_bn", "description", "segment_type", "criteria", "is_dynamic", "is_active"}
)
_REFRESH_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class SegmentDraft:
    """What somebody writes to make a segment."""

    segment_name: str
    criteria: Mapping[str, Any]
    segment_name_bn: str | None = None
    description: str | None = None
    segment_type: SegmentType = "custom"
    is_dynamic: bool = True

    def fields(self) -> dict[str, Any]:
        """All fields, texts composed canonically (NFC)."""
        return {name: _composed(getattr(self, name)) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class SegmentService:
    """Segments of all tenants. `locale_of` raises NotFound for a tenant that there is not."""

    segments: Segments
    engine: QueryEngine
    locale_of: Callable[[str], Locale]
    clock: Clock
    ids: Ids

    def create(self, tenant: str, created_by: str, draft: SegmentDraft) -> Segment:
        """A new segment, not counted yet. Raises Invalid naming each wrong place of the criteria."""
        self._check(tenant, draft.criteria)
        now = self.clock.now()
        segment = Segment(
            tenant=tenant, id=self.ids.new(), created_by=created_by, created_at=now, updated_at=now, **draft.fields()
        )
        self.segments.add(segment)
        return segment

    def get(self, tenant: str, segment_id: str) -> Segment:
        """The segment. Raises NotFound."""
        segment = self.segments.get(tenant, segment_id)
        if segment is None:
            raise NotFound(f"there is no segment {segment_id}")
        return segment

    def update(
        self, tenant: str, segment_id: str, changes: Mapping[str, Any], expected_version: int | None = None
    ) -> Segment:
        """Change the fields that are given. New criteria make the old count void, until the next refresh.

        Raises NotFound, Invalid for a field that cannot be changed or wrong criteria, Stale for another version.
        """
        current = self.get(tenant, segment_id)
        if expected_version is not None and expected_version != current.version:
            raise _changed(segment_id)
        wrong = tuple(
            FieldError(name, "not_editable", "cannot be changed") for name in sorted(changes.keys() - _EDITABLE)
        )
        if wrong:
            raise Invalid("some fields cannot be changed", fields=wrong)
        after = replace(current, **{name: _composed(value) for name, value in changes.items()})
        if after.criteria != current.criteria:
            self._check(tenant, after.criteria)
            after = replace(after, customer_count=0, last_updated=None, snapshot_id=None)
        after = replace(after, version=current.version + 1, updated_at=self.clock.now())
        self.segments.replace(after, current.version)
        return after

    def delete(self, tenant: str, segment_id: str, expected_version: int | None = None) -> None:
        """Remove the segment; runs under way keep the audience that they froze. Raises NotFound and Stale."""
        self.get(tenant, segment_id)
        self.segments.remove(tenant, segment_id, expected_version)

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[Segment]:
        """Segments, newest change first."""
        return self.segments.page(tenant, limit=limit, after=after)

    def all(self, tenant: str) -> list[Segment]:
        """Every segment of the tenant, newest change first."""
        return self.segments.all(tenant)

    def preview_count(self, tenant: str, criteria: Mapping[str, Any]) -> Count:
        """How many people meet criteria that need not be saved. Raises Invalid."""
        return self.engine.count(tenant, criteria, now=self.clock.now(), zone=self.locale_of(tenant).zone)

    def refresh(self, tenant: str, segment_id: str) -> Segment:
        """Count on the newest snapshot and store the count. Raises NotFound.

        A count is no edit: the version stays, so that nobody's edit under way becomes stale by it.
        """
        for attempt in range(_REFRESH_ATTEMPTS):
            segment = self.get(tenant, segment_id)
            count = self.preview_count(tenant, segment.criteria)
            counted = replace(
                segment, customer_count=count.people, last_updated=self.clock.now(), snapshot_id=count.snapshot.id
            )
            try:
                self.segments.replace(counted, segment.version)
            except Stale:
                # Somebody edited meanwhile; what they wrote is counted next.
                if attempt == _REFRESH_ATTEMPTS - 1:
                    raise
            else:
                return counted
        raise _changed(segment_id)

    def customers(
        self, tenant: str, segment_id: str, *, sort: str = "customer_id_asc", limit: int = 100, after: str | None = None
    ) -> Page[SegmentCustomer]:
        """The people of a segment in order, from the newest snapshot.

        Raises NotFound, Invalid for an unknown sort, Malformed (`bad_cursor`) for an `after` that is none of this list's.
        """
        order = parse_sort(sort)
        segment = self.get(tenant, segment_id)
        return self.engine.page(
            tenant, segment.criteria, now=self.clock.now(), zone=self.locale_of(tenant).zone,
            sort=order.sort, descending=order.descending, limit=limit, after=after,
        )  # fmt: skip

    def sentence(self, tenant: str, criteria: Mapping[str, Any], language: Language = "en") -> str:
        """The criteria in words. Raises Invalid naming each wrong place."""
        self._check(tenant, criteria)
        return sentence(criteria, language, self.locale_of(tenant).currency)

    def _check(self, tenant: str, criteria: Mapping[str, Any]) -> None:
        locale = self.locale_of(tenant)
        plan(criteria, Context.of(self.clock.now(), locale.zone, locale.currency))


def _composed(value: Any) -> Any:
    return nfc(value) if isinstance(value, str) else value


def _changed(segment_id: str) -> Stale:
    return Stale(f"segment {segment_id} was changed by somebody else")
