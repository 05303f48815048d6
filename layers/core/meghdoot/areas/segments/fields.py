"""Which fields criteria may name, what each is, and what it is called in a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from meghdoot.areas.segments.plan import Attribute, Column, Purchases, Source

FieldKind = Literal["text", "tags", "boolean", "date", "age", "count", "money", "attribute"]

_ATTRIBUTE = re.compile(r"attributes\.([A-Za-z_][A-Za-z0-9_]{0,63})")

_RANGE = frozenset(
    {"equals", "not_equals", "greater_than", "greater_or_equal", "less_than", "less_or_equal", "between"}
)
_EXISTENCE = frozenset({"exists", "not_exists"})
_CHOICE = frozenset({"in", "not_in"})
_TEXT = frozenset({"equals", "not_equals", "contains", "starts_with"}) | _CHOICE | _EXISTENCE
_DATE = frozenset({"equals", "not_equals", "before", "after", "between", "within_days", "not_within_days"}) | _EXISTENCE

OPERATORS: dict[FieldKind, frozenset[str]] = {
    "text": _TEXT,
    "tags": frozenset({"contains"}) | _CHOICE | _EXISTENCE,
    "boolean": frozenset({"equals", "not_equals"}),
    "date": _DATE,
    "age": _RANGE | _EXISTENCE,
    "count": _RANGE,
    "money": _RANGE,
    "attribute": _TEXT | _RANGE | _DATE,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the language. `operators` are those it takes."""

    name: str
    kind: FieldKind
    source: Source
    en: str
    bn: str

    @property
    def operators(self) -> frozenset[str]:
        """What may be asked of it; an average exists only for people who bought."""
        extra = _EXISTENCE if self.name == "avg_order_value" else frozenset()
        return OPERATORS[self.kind] | extra

    @property
    def is_bounded(self) -> bool:
        """Whether a condition may say `within_days`."""
        return self.kind in ("count", "money")


_FIELDS = (
    Field("language", "text", Column("language"), "language", "ভাষা"),
    Field("city", "text", Column("city"), "city", "শহর"),
    Field("country", "text", Column("country"), "country", "দেশ"),
    Field("gender", "text", Column("gender"), "gender", "লিঙ্গ"),
    Field("zone", "text", Column("zone"), "time zone", "সময় অঞ্চল"),
    Field("tags", "tags", Column("tags"), "tags", "ট্যাগ"),
    Field("is_active", "boolean", Column("is_active"), "active", "সক্রিয়"),
    Field("has_email", "boolean", Column("has_email"), "has an e-mail address", "ই-মেইল আছে"),
    Field("has_phone", "boolean", Column("has_phone"), "has a phone number", "ফোন নম্বর আছে"),
    Field("birth_date", "date", Column("birth_day"), "date of birth", "জন্মতারিখ"),
    Field("age", "age", Column("birth_day"), "age", "বয়স"),
    Field("created_at", "date", Column("created_day"), "day of joining", "যোগদানের দিন"),
    Field("purchase_count", "count", Purchases("count"), "number of purchases", "ক্রয়ের সংখ্যা"),
    Field("total_orders", "count", Purchases("count"), "number of purchases", "ক্রয়ের সংখ্যা"),
    Field("customer_lifetime_value", "money", Purchases("sum"), "total spent", "মোট ব্যয়"),
    Field("avg_order_value", "money", Purchases("average"), "average order value", "গড় ক্রয়মূল্য"),
    Field("first_purchase_date", "date", Purchases("first"), "first purchase", "প্রথম ক্রয়"),
    Field("last_purchase_date", "date", Purchases("last"), "last purchase", "শেষ ক্রয়"),
)
FIELDS: dict[str, Field] = {field.name: field for field in _FIELDS}


def find(name: str) -> Field | None:
    """The field of this name, a custom attribute (`attributes.<name>`), or None."""
    if name in FIELDS:
        return FIELDS[name]
    found = _ATTRIBUTE.fullmatch(name)
    if found is None:
        return None
    label = found[1].replace("_", " ")
    return Field(name, "attribute", Attribute(found[1], None), label, label)
