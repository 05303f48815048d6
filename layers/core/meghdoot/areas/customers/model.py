"""A customer: a person whom a tenant may contact, and what they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from meghdoot.kernel.i18n import Language
from meghdoot.kernel.money import Money

IdentityKind = Literal["email", "phone", "external_id"]
IDENTITY_KINDS: tuple[IdentityKind, ...] = ("email", "phone", "external_id")
AttributeType = Literal["text", "number", "boolean", "date"]
AttributeValue = str | int | float | bool
"""Dates are stored as ISO text (2026-02-28); their type is known from the definition."""


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """A custom attribute of a tenant's customers. `id` is its name."""

    tenant: str
    id: str
    type: AttributeType
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Customer:
    """The profile. Addresses are normalised: e-mail lower-cased with an ASCII domain, phone in E.164."""

    tenant: str
    id: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    language: Language | None = None
    zone: str | None = None
    gender: str | None = None
    birth_date: str | None = None
    city: str | None = None
    country: str | None = None
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """Something a customer did. The id makes it idempotent: the same id again is the same event."""

    tenant: str
    id: str
    customer_id: str
    type: str
    """`purchase`, `page_view`, `signup`, or a custom name in snake_case."""
    at: datetime
    received_at: datetime
    amount: Money | None = None
    order_id: str | None = None
    properties: Mapping[str, AttributeValue] = field(default_factory=dict)
    has_client_time: bool = True
    """False when the client gave no time: the key then cannot hold the time, and a dedupe item stands in."""


StoredAs = Literal["created", "updated", "unchanged", "duplicate"]
