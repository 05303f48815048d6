"""Criteria resolved against a tenant's day, zone and currency: what SQL and predicate are both written from.

Every test is true or false for every person, never unknown. A test of something that a person does not have is false;
a negative operator (`not_equals`, `not_in`, `not_exists`, `not_within_days`) is the exact opposite of its positive one
and so true for people who do not have the value: "no purchase within 90 days" includes those who never bought.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from meghdoot.areas.segments.days import day_of, milliseconds

AttributeKind = Literal["text", "number", "boolean", "date"]
Measure = Literal["count", "sum", "average", "first", "last"]
ColumnKind = Literal["text", "tags", "boolean", "date", "instant"]

COLUMNS: dict[str, ColumnKind] = {
    "language": "text", "city": "text", "country": "text", "gender": "text", "zone": "text", "tags": "tags",
    "is_active": "boolean", "has_email": "boolean", "has_phone": "boolean", "birth_day": "date",
    "created_day": "instant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """Against what criteria are resolved. `today` is a day's ordinal in the tenant's zone."""

    today: int
    zone: str
    currency: str

    @classmethod
    def of(cls, now: datetime, zone: str, currency: str) -> Context:
        """The tenant's day at an instant."""
        return cls(day_of(milliseconds(now), zone), zone, currency)


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the profile, one of COLUMNS."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """A custom attribute, looked at as one type: a stored value of another type is as if it were absent.

    `kind` None asks only whether there is any value.
    """

    name: str
    kind: AttributeKind | None


@dataclass(frozen=True, slots=True)
class Purchases:
    """A sum over purchases up to the end of today: all, or since a day (inclusive)."""

    measure: Measure
    since: int | None = None


Source = Column | Attribute | Purchases


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equal to one of the values (for tags: any tag is)."""

    values: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """A text holds this text, exactly as written."""

    text: str


@dataclass(frozen=True, slots=True)
class StartsWith:
    """A text begins with this text, exactly as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Between:
    """A number, day or amount in minor units inside bounds; None is no bound. Days always have closed bounds."""

    low: int | float | None = None
    high: int | float | None = None
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value (for tags: at least one)."""


Check = OneOf | Contains | StartsWith | Between | Exists


@dataclass(frozen=True, slots=True)
class Leaf:
    """A source under a check; `negated` turns the answer round."""

    source: Source
    check: Check
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of them hold."""

    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of them holds."""

    nodes: tuple[PlanNode, ...]


PlanNode = Leaf | Every | Some


def leaves(node: PlanNode) -> list[Leaf]:
    """All leaves of a tree, left to right."""
    if isinstance(node, Leaf):
        return [node]
    return [leaf for child in node.nodes for leaf in leaves(child)]
