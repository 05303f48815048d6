"""What callers give: fields that are absent stay as they are, None clears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from meghdoot.areas.customers.model import AttributeValue, Customer, Event, IdentityKind, StoredAs
from meghdoot.kernel.errors import AppError
from meghdoot.kernel.money import Money


class Unset(Enum):
    """The type of UNSET, so that a checker can tell it from a value."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""A field that was not given."""

Text = str | Unset | None


@dataclass(frozen=True, slots=True)
class CustomerInput:
    """A profile as told by a caller. Found by `customer_id` or any identity; at least one must be given."""

    customer_id: str | None = None
    external_id: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    language: Text = UNSET
    zone: Text = UNSET
    gender: Text = UNSET
    birth_date: Text = UNSET
    city: Text = UNSET
    country: Text = UNSET
    tags: tuple[str, ...] | Unset | None = UNSET
    attributes: Mapping[str, AttributeValue | None] | Unset | None = UNSET
    """Merged by name: a value of None removes that attribute, None for the whole removes all."""
    is_active: bool | Unset = UNSET


def identified_by(identities: Mapping[IdentityKind, str]) -> CustomerInput:
    """A profile of which only these identities are known."""
    return CustomerInput(
        external_id=identities.get("external_id", UNSET),
        email=identities.get("email", UNSET),
        phone=identities.get("phone", UNSET),
    )


@dataclass(frozen=True, slots=True)
class EventInput:
    """An event as told by a caller, of the customer with this id or any of these identities."""

    type: str
    customer_id: str | None = None
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    event_id: str | None = None
    at: datetime | None = None
    amount: Money | None = None
    order_id: str | None = None
    properties: Mapping[str, AttributeValue] | None = None


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The fate of one customer of a batch: stored, or an error."""

    customer: Customer | None = None
    stored: StoredAs | None = None
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class EventResult:
    """The fate of one event of a batch: `created`, `duplicate`, or an error."""

    event: Event | None = None
    stored: StoredAs | None = None
    error: AppError | None = None
