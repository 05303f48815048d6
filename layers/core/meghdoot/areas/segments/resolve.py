"""From the tree as written to a plan: names looked up, values typed, days and amounts made whole numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from meghdoot.areas.segments.criteria import MAX_DAYS, Condition, Group, parse
from meghdoot.areas.segments.days import MAX_DAY, parse_day, years_before
from meghdoot.areas.segments.fields import Field, FieldKind, find
from meghdoot.areas.segments.plan import (
    Attribute,
    AttributeKind,
    Between,
    Check,
    Contains,
    Context,
    Every,
    Exists,
    Leaf,
    OneOf,
    PlanNode,
    Purchases,
    Some,
    Source,
    StartsWith,
)
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.i18n import has_forbidden_characters, nfc
from meghdoot.kernel.money import Money

MAX_VALUES = 1000
MAX_TEXT = 500
MAX_AGE = 150
MAX_NUMBER = 10**15

_POSITIVE = {
    "not_equals": "equals",
    "not_in": "in",
    "not_exists": "exists",
    "not_within_days": "within_days",
}


def plan(raw: Mapping[str, Any], context: Context, path: str = "criteria") -> PlanNode:
    """The plan of plain JSON criteria. Raises Invalid naming each wrong place."""
    return resolve(parse(raw, path), context, path)


def resolve(group: Group, context: Context, path: str = "criteria") -> PlanNode:
    """The plan of a parsed tree. Raises Invalid for an unknown field, an operator it does not take, a wrong value."""
    nodes: list[PlanNode] = []
    for i, child in enumerate(group.conditions):
        at = f"{path}.conditions.{i}"
        nodes.append(resolve(child, context, at) if isinstance(child, Group) else _leaf(child, context, at))
    return Every(tuple(nodes)) if group.logic == "AND" else Some(tuple(nodes))


def _leaf(condition: Condition, context: Context, path: str) -> Leaf:
    field = find(condition.field)
    if field is None:
        raise Invalid.field(f"{path}.field", "unknown_field", "there is no such field")
    if condition.operator not in field.operators:
        raise Invalid.field(f"{path}.operator", "wrong_operator", f"{field.name} does not take {condition.operator}")
    if condition.within_days is not None and not field.is_bounded:
        raise Invalid.field(f"{path}.within_days", "not_allowed", "only purchase counts, sums and averages take it")
    operator = _POSITIVE.get(condition.operator, condition.operator)
    value = _Value(condition.value, operator, context, f"{path}.value")
    source = _source(field, condition, value, context)
    kind = _kind(field, source, operator)
    return Leaf(source, _check(kind, value), negated=operator != condition.operator)


def _kind(field: Field, source: Source, operator: str) -> FieldKind:
    if operator == "exists" or not isinstance(source, Attribute):
        return field.kind
    kinds: dict[AttributeKind | None, FieldKind] = {
        "text": "text", "number": "attribute", "boolean": "boolean", "date": "date", None: "attribute"
    }  # fmt: skip
    return kinds[source.kind]


def _source(field: Field, condition: Condition, value: _Value, context: Context) -> Source:
    if isinstance(field.source, Purchases):
        since = None if condition.within_days is None else context.today - condition.within_days
        return replace(field.source, since=since)
    if isinstance(field.source, Attribute):
        return replace(field.source, kind=value.attribute_kind())
    return field.source


def _check(kind: FieldKind, value: _Value) -> Check:
    if value.operator == "exists":
        value.absent()
        return Exists()
    if kind in ("text", "tags"):
        return _text_check(kind, value)
    if kind == "boolean":
        return OneOf((value.boolean(),))
    if kind == "age":
        return _age_check(value)
    if kind == "date":
        return _date_check(value)
    number = {"count": value.whole, "money": value.minor, "attribute": value.number}[kind]
    return _range_check(value.operator, value.bounds(number))


def _text_check(kind: FieldKind, value: _Value) -> Check:
    if value.operator == "in":
        return OneOf(tuple(dict.fromkeys(value.each(value.text))))
    text = value.text(value.raw, value.path)
    if value.operator == "starts_with":
        return StartsWith(text)
    return OneOf((text,)) if value.operator == "equals" or kind == "tags" else Contains(text)


def _date_check(value: _Value) -> Check:
    if value.operator == "within_days":
        days = value.whole(value.raw, value.path)
        if not 0 <= days <= MAX_DAYS:
            raise Invalid.field(value.path, "out_of_range", f"0 to {MAX_DAYS} days")
        return Between(value.context.today - days, value.context.today)
    low, high = value.bounds(value.day)
    if value.operator == "before":
        return Between(None, high - 1)
    return Between(low + 1, None) if value.operator == "after" else Between(low, high)


def _age_check(value: _Value) -> Check:
    """Ages as days of birth: at least n years old means born on this date n years ago or earlier.

    Who was born on 29 February is a year older on 1 March of a common year.
    """
    low, high = value.bounds(value.age)
    operator, today = value.operator, value.context.today
    youngest = low + 1 if operator == "greater_than" else low
    oldest = high - 1 if operator == "less_than" else high
    born_by = None if operator.startswith("less") else years_before(today, youngest)
    born_after = None if operator.startswith("greater") else years_before(today, oldest + 1) + 1
    return Between(born_after, born_by)


def _range_check(operator: str, bounds: tuple[int | float, int | float]) -> Check:
    low, high = bounds
    if operator.startswith("greater"):
        return Between(low, None, low_open=operator == "greater_than")
    if operator.startswith("less"):
        return Between(None, high, high_open=operator == "less_than")
    return Between(low, high)


class _Value:
    """A condition's value under its positive operator; each reader raises Invalid with the value's path."""

    def __init__(self, raw: Any, operator: str, context: Context, path: str) -> None:
        self.raw = raw
        self.operator = operator
        self.context = context
        self.path = path

    def absent(self) -> None:
        if self.raw is not None:
            raise Invalid.field(self.path, "not_allowed", "exists and not_exists take no value")

    def each(self, read: Any) -> list[Any]:
        if not isinstance(self.raw, list) or not 1 <= len(self.raw) <= MAX_VALUES:
            raise Invalid.field(self.path, "wrong_type", f"a list of 1 to {MAX_VALUES} values")
        return [read(raw, f"{self.path}.{i}") for i, raw in enumerate(self.raw)]

    def bounds(self, read: Any) -> tuple[Any, Any]:
        """Low and high: two values for `between`, the same one twice for every other operator."""
        if self.operator != "between":
            value = read(self.raw, self.path)
            return value, value
        if not isinstance(self.raw, list) or len(self.raw) != 2:
            raise Invalid.field(self.path, "wrong_type", "between takes a list of two values")
        low, high = self.each(read)
        if low > high:
            raise Invalid.field(self.path, "wrong_order", "the first value of between is the lower one")
        return low, high

    def text(self, raw: Any, path: str) -> str:
        if not isinstance(raw, str):
            raise Invalid.field(path, "wrong_type", "a text")
        if not 1 <= len(raw) <= MAX_TEXT:
            raise Invalid.field(path, "wrong_length", f"a text of 1 to {MAX_TEXT} characters")
        if has_forbidden_characters(raw):
            raise Invalid.field(path, "forbidden_characters", "the text holds characters that cannot be stored")
        return nfc(raw)

    def boolean(self) -> bool:
        if not isinstance(self.raw, bool):
            raise Invalid.field(self.path, "wrong_type", "true or false")
        return self.raw

    def whole(self, raw: Any, path: str) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Invalid.field(path, "wrong_type", "a whole number")
        if abs(raw) > MAX_NUMBER:
            raise Invalid.field(path, "out_of_range", "the number is too large")
        return raw

    def age(self, raw: Any, path: str) -> int:
        age = self.whole(raw, path)
        if not 0 <= age <= MAX_AGE:
            raise Invalid.field(path, "out_of_range", f"0 to {MAX_AGE} years")
        return age

    def number(self, raw: Any, path: str) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise Invalid.field(path, "wrong_type", "a number")
        if (isinstance(raw, float) and not math.isfinite(raw)) or abs(raw) > MAX_NUMBER:
            raise Invalid.field(path, "out_of_range", "the number is too large")
        return float(raw)

    def minor(self, raw: Any, path: str) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | float | str | Decimal):
            raise Invalid.field(path, "wrong_type", "an amount")
        try:
            return Money.of(str(raw), self.context.currency).minor
        except ValueError as e:
            raise Invalid.field(path, "not_an_amount", str(e)) from e

    def day(self, raw: Any, path: str) -> int:
        day = parse_day(raw)
        if day is None or not 1 < day < MAX_DAY:
            raise Invalid.field(path, "not_a_date", "a date such as 2026-02-28")
        return day

    def attribute_kind(self) -> AttributeKind | None:
        """As what a custom attribute is looked at: the operator says it, or else the value."""
        if self.operator == "exists":
            return None
        if self.operator in ("before", "after", "within_days"):
            return "date"
        if self.operator in ("in", "contains", "starts_with"):
            return "text"
        sample = self.raw[0] if isinstance(self.raw, list) and self.raw else self.raw
        if self.operator == "equals":
            return "boolean" if isinstance(sample, bool) else "text" if isinstance(sample, str) else "number"
        return "date" if self.operator == "between" and isinstance(sample, str) else "number"
