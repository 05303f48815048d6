"""Custom attributes: typed by a definition that the tenant declared."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import get_args

from meghdoot.areas.customers.model import AttributeDefinition, AttributeType, AttributeValue, Customer
from meghdoot.areas.customers.ports import AttributeDefinitions
from meghdoot.areas.customers.rules import clean_date, clean_line
from meghdoot.kernel.errors import Conflict, FieldError, Invalid

MAX_ATTRIBUTES, MAX_VALUE = 200, 1000
MAX_NUMBER = 10**15
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = frozenset(f.name for f in fields(Customer))


def check_name(name: str) -> str:
    """A name in snake_case that is no field of the profile. Raises Invalid."""
    if not _NAME.fullmatch(name):
        raise Invalid.field(f"attributes.{name[:64]}", "invalid_name", "a name in snake_case is wanted")
    if name in _RESERVED:
        raise Invalid.field(f"attributes.{name}", "reserved_name", "is a field of the profile")
    return name


def _number(field: str, value: object) -> AttributeValue:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid.field(field, "not_a_number", "a finite number is wanted")
    if abs(value) > MAX_NUMBER:
        raise Invalid.field(field, "out_of_range", "the number is too large")
    return value


def _boolean(field: str, value: object) -> AttributeValue:
    if not isinstance(value, bool):
        raise Invalid.field(field, "not_a_boolean", "true or false is wanted")
    return value


_CLEANERS: dict[AttributeType, Callable[[str, object], AttributeValue]] = {
    "text": lambda field, value: clean_line(field, value, MAX_VALUE),
    "number": _number,
    "boolean": _boolean,
    "date": clean_date,
}


def clean_value(name: str, value: object, type_: AttributeType) -> AttributeValue:
    """A value in its stored form. Raises Invalid (`attributes.<name>`) when it is not of the type."""
    return _CLEANERS[type_](f"attributes.{name}", value)


def type_of(value: AttributeValue) -> AttributeType:
    """The type that a first value suggests. Text is never taken for a date: the second might not be one."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "text"


class DeclaredAttributes:
    """A tenant's definitions, read once for a batch; declares what is missing when told to."""

    def __init__(self, store: AttributeDefinitions, tenant: str, now: datetime, *, declare: bool = False) -> None:
        self._store = store
        self._tenant = tenant
        self._now = now
        self._declare = declare
        self._types: dict[str, AttributeType] | None = None

    @property
    def types(self) -> dict[str, AttributeType]:
        """Types by name."""
        if self._types is None:
            self._types = {d.id: d.type for d in self._store.all(self._tenant)}
        return self._types

    def clean(self, values: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue | None]:
        """The values in their stored form. Raises Invalid, naming every wrong or undeclared attribute."""
        if not isinstance(values, Mapping):
            raise Invalid.field("attributes", "not_an_object", "names and values are wanted")
        cleaned: dict[str, AttributeValue | None] = {}
        wrong: list[FieldError] = []
        for name, value in values.items():
            try:
                cleaned[name] = self._clean_one(check_name(name), value)
            except Invalid as e:
                wrong += e.fields
        if wrong:
            raise Invalid("the customer's attributes are wrong", fields=tuple(wrong))
        return cleaned

    def _clean_one(self, name: str, value: AttributeValue | None) -> AttributeValue | None:
        if value is None:
            return None
        if name not in self.types:
            if not self._declare:
                raise Invalid.field(f"attributes.{name}", "unknown_attribute", "is not declared")
            # Checked before it is declared, so that a bad value leaves no definition behind.
            clean_value(name, value, type_of(value))
            self.add(name, type_of(value))
        return clean_value(name, value, self.types[name])

    def add(self, name: str, type_: AttributeType) -> AttributeDefinition:
        """Declare an attribute; the same again is fine. Raises Invalid, Conflict (`attribute_type`)."""
        if type_ not in get_args(AttributeType):
            raise Invalid.field("type", "unknown_type", "text, number, boolean or date is wanted")
        stored = self._store.get(self._tenant, check_name(name)) or self._new(name, type_)
        if stored.type != type_:
            raise Conflict(f"{name} is declared as {stored.type}", code="attribute_type")
        self.types[name] = stored.type
        return stored

    def _new(self, name: str, type_: AttributeType) -> AttributeDefinition:
        if len(self.types) >= MAX_ATTRIBUTES:
            raise Conflict(f"a tenant has at most {MAX_ATTRIBUTES} attributes", code="too_many_attributes")
        definition = AttributeDefinition(self._tenant, name, type_, self._now)
        try:
            self._store.add(definition)
        except Conflict:
            # Somebody declared it in between: theirs counts.
            return self._store.get(self._tenant, name) or definition
        return definition
