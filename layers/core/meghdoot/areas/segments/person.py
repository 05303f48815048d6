"""One person as the predicate sees them: typed profile fields and purchases summed by day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from meghdoot.areas.segments.days import day_of, parse_day

AttributeValue = str | int | float | bool


class Daily(NamedTuple):
    """A person's purchases of one day in the tenant's zone. `priced` and `minor` count the tenant's currency only."""

    day: int
    orders: int
    priced: int
    minor: int


class Purchase(NamedTuple):
    """An order: when (milliseconds since 1970), how much in minor units, of which currency (None: no amount given)."""

    at_ms: int
    minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Days are ordinals; `created_day` is in the tenant's zone."""

    id: str
    language: str | None = None
    city: str | None = None
    country: str | None = None
    gender: str | None = None
    zone: str | None = None
    tags: frozenset[str] = frozenset()
    is_active: bool = True
    has_email: bool = False
    has_phone: bool = False
    birth_day: int | None = None
    created_day: int | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    purchases: tuple[Daily, ...] = ()


def daily(purchases: Iterable[Purchase], zone: str, currency: str) -> tuple[Daily, ...]:
    """Purchases summed by day in the zone, oldest day first; amounts of another currency are not added."""
    days: dict[int, list[int]] = {}
    for purchase in purchases:
        sums = days.setdefault(day_of(purchase.at_ms, zone), [0, 0, 0])
        sums[0] += 1
        if purchase.currency == currency and purchase.minor is not None:
            sums[1] += 1
            sums[2] += purchase.minor
    return tuple(Daily(day, *sums) for day, sums in sorted(days.items()))


def as_text(value: object) -> str | None:
    """The value where it is a text."""
    return value if isinstance(value, str) else None


def as_number(value: object) -> float | None:
    """The value where it is a finite number; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_boolean(value: object) -> bool | None:
    """The value where it is true or false; a number is neither."""
    return value if isinstance(value, bool) else None


def as_day(value: object) -> int | None:
    """The ordinal of a text that is a day."""
    return parse_day(value)
