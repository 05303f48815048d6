"""Messages of the queue `intake`, shape 1: a batch of events or of customers of one tenant.

    {"v": 1, "kind": "events", "tenant": "acme", "received_at": "2026-01-05T09:00:00Z", "create_missing": false,
     "events": [{"type": "purchase", "email": "...", "event_id": "...", "at": "...", "amount": "12.50", "currency": "BDT"}]}
    {"v": 1, "kind": "customers", "tenant": "acme", "customers": [{"email": "...", "first_name": null}]}

A field of a customer that is absent stays as it is; null clears it. Fields that a newer writer added are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from meghdoot.areas.customers.inputs import CustomerInput, EventInput
from meghdoot.areas.tenants.model import TENANT_ID
from meghdoot.kernel.clock import parse_iso
from meghdoot.kernel.errors import FieldError, Invalid, Malformed
from meghdoot.kernel.ids import digest
from meghdoot.kernel.money import Money

SHAPE = 1
_CUSTOMER_FIELDS = frozenset(f.name for f in fields(CustomerInput))
_PLAIN_EVENT_FIELDS = ("type", "customer_id", "external_id", "email", "phone", "order_id", "properties")


@dataclass(frozen=True, slots=True)
class IntakeBatch:
    """A message, read. Items that cannot be read stand as the error that says why."""

    tenant: str
    customers: Sequence[CustomerInput] = ()
    events: Sequence[EventInput | Invalid] = ()
    create_missing: bool = False


def parse(body: str, message_id: str) -> IntakeBatch:
    """A message's batch; events without an id get one from the message, so that a redelivery finds them again.

    Raises Malformed for what is no message of a known shape: it goes to the dead-letter queue, until code knows it.
    """
    data = _object(body)
    if data.get("v") != SHAPE:
        raise Malformed("this code does not know messages of this shape", code="unknown_shape")
    tenant, kind = data.get("tenant"), data.get("kind")
    items = data.get(kind) if kind in ("events", "customers") else None
    if not isinstance(tenant, str) or not TENANT_ID.fullmatch(tenant) or not isinstance(items, list):
        raise Malformed("this message holds no batch of a tenant", code="bad_message")
    if any(not isinstance(item, dict) for item in items):
        raise Malformed("an item of this message is no object", code="bad_message")
    if kind == "customers":
        return IntakeBatch(tenant, customers=[_customer(item) for item in items])
    events = [_event(item, digest(message_id, str(n))) for n, item in enumerate(items)]
    return IntakeBatch(tenant, events=events, create_missing=data.get("create_missing") is True)


def _object(body: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as e:
        raise Malformed("this message is no JSON", code="bad_message") from e
    if not isinstance(data, dict):
        raise Malformed("this message is no object", code="bad_message")
    return data


def _customer(item: Mapping[str, Any]) -> CustomerInput:
    return CustomerInput(**{name: value for name, value in item.items() if name in _CUSTOMER_FIELDS})


def _event(item: Mapping[str, Any], fallback_id: str) -> EventInput | Invalid:
    try:
        at = None if item.get("at") is None else _instant(item["at"])
        amount = None if item.get("amount") is None else _money(item["amount"], item.get("currency"))
    except Invalid as e:
        return e
    plain: dict[str, Any] = {name: item.get(name) for name in _PLAIN_EVENT_FIELDS}
    event_id = fallback_id if item.get("event_id") is None else item["event_id"]
    return EventInput(**plain, event_id=event_id, at=at, amount=amount)


def _instant(text: object) -> datetime:
    try:
        return parse_iso(text if isinstance(text, str) else "")
    except ValueError as e:
        raise Invalid.field("at", "invalid_time", "an RFC 3339 instant with an offset is wanted") from e


def _money(amount: object, currency: object) -> Money:
    """A decimal in text (a float would already have been rounded) and its currency."""
    try:
        if not isinstance(amount, str) or not isinstance(currency, str):
            raise ValueError("amount and currency are text")
        return Money.of(amount, currency)
    except ValueError as e:
        wrong = FieldError("amount", "invalid_amount", "a decimal as text, with a currency, is wanted")
        raise Invalid("amount: not an amount", fields=(wrong,)) from e
