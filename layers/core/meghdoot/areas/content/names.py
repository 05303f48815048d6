"""Names that every template may use without declaring them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from meghdoot.areas.customers.model import Customer

PERSON_FIELDS = frozenset({"first_name", "last_name", "customer_name", "city", "country", "language", "attributes"})
"""Fields of a person. `attributes.tier` reads the custom attribute `tier`."""

SYSTEM_FIELDS = frozenset({"unsubscribe_url", "privacy_url", "postal_address", "tenant_name"})
"""Filled in by us; a template cannot declare them."""

BUILT_IN = PERSON_FIELDS | SYSTEM_FIELDS


def customer_fields(customer: Customer, wanted: Iterable[str]) -> dict[str, Any]:
    """The fields of a profile that a template uses (`compile.person_fields`), and nothing else of the person.

    What the person lacks is left out. `customer_name` is first and last name, or whichever is known.
    """
    values: dict[str, Any] = {}
    for name in wanted:
        if name == "attributes":
            values["attributes"] = dict(customer.attributes)
        elif name == "customer_name":
            values[name] = " ".join(part for part in (customer.first_name, customer.last_name) if part)
        elif name in PERSON_FIELDS:
            values[name] = getattr(customer, name)
    return {name: value for name, value in values.items() if value not in (None, "", {})}
