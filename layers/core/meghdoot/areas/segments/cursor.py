"""Positions in a segment's customer list: the last row's sort value and id, bound to the order they were made for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from meghdoot.areas.segments.days import milliseconds
from meghdoot.areas.segments.model import SegmentCustomer, SortKey
from meghdoot.kernel.errors import Invalid, Malformed

_SHAPE = re.compile(r"([a-z_]+):([ad]):(-?[0-9]{1,40}):(.{1,200})", re.DOTALL)
_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted; ties are by id, upwards. People who never bought come last in either direction."""

    sort: SortKey
    descending: bool

    def value(self, row: SegmentCustomer) -> int:
        """What a row is sorted by; 0 for everybody when the id alone decides."""
        if self.sort == "customer_lifetime_value":
            return row.customer_lifetime_value_minor
        if self.sort == "total_orders":
            return row.total_orders
        if self.sort == "customer_id":
            return 0
        return self.never if row.last_purchase_at is None else milliseconds(row.last_purchase_at)

    @property
    def never(self) -> int:
        """Stands for the time of a purchase that never was."""
        return -_NEVER if self.descending else _NEVER

    @property
    def _name(self) -> str:
        return f"{self.sort}:{'d' if self.descending else 'a'}"

    def write(self, row: SegmentCustomer) -> str:
        """The position after a row."""
        return f"{self._name}:{self.value(row)}:{row.customer_id}"

    def read(self, after: str) -> tuple[int, str]:
        """Value and id of a position. Raises Malformed (`bad_cursor`) for a forged one or one of another order."""
        found = _SHAPE.fullmatch(after)
        if found is None or f"{found[1]}:{found[2]}" != self._name or abs(int(found[3])) >= 2**63:
            raise Malformed("this cursor is none of ours", code="bad_cursor")
        return int(found[3]), found[4]


def parse_sort(text: str) -> Order:
    """`customer_lifetime_value_desc` and the like; without a suffix upwards. Raises Invalid naming `sort`."""
    name, _, direction = text.rpartition("_")
    if direction not in ("asc", "desc"):
        name, direction = text, "asc"
    for sort in get_args(SortKey):
        if sort == name:
            return Order(sort, direction == "desc")
    raise Invalid.field("sort", "unknown_sort", f"one of {', '.join(get_args(SortKey))}, with _asc or _desc")
