"""What an event may be. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from meghdoot.areas.customers.inputs import EventInput
from meghdoot.areas.customers.model import IDENTITY_KINDS, AttributeValue, Event, IdentityKind
from meghdoot.areas.customers.rules import (
    PhoneRules,
    clean_email,
    clean_external_id,
    clean_line,
    normalise_phone,
)
from meghdoot.kernel.errors import FieldError, Invalid
from meghdoot.kernel.money import Money

MAX_PROPERTIES, MAX_PROPERTY, MAX_ORDER_ID = 50, 1000, 128
MAX_AHEAD = timedelta(days=1)
"""How far ahead of ours a client's clock may go."""
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_MAX_MINOR = 10**15
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_EVENT_ID = re.compile(r"[!-~]{1,128}")
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class CleanEvent:
    """A checked event that does not know its customer yet."""

    given: EventInput
    identities: Mapping[IdentityKind, str]
    order_id: str | None
    properties: Mapping[str, AttributeValue]


def clean_event(given: EventInput, now: datetime, phones: PhoneRules) -> CleanEvent:
    """Check one event. Raises Invalid, naming every wrong field."""
    wrong: list[FieldError] = []
    for passes, field, code, sentence in _facts(given, now):
        if not passes:
            wrong.append(FieldError(field, code, sentence))
    identities, bad_identities = _identities(given, phones)
    properties, bad_properties = _properties(given.properties or {})
    order_id, bad_order = _order_id(given.order_id)
    wrong += [*bad_identities, *bad_properties, *bad_order]
    if wrong:
        raise Invalid("the event's fields are wrong", fields=tuple(wrong))
    return CleanEvent(given, identities, order_id, properties)


def _facts(given: EventInput, now: datetime) -> list[tuple[bool, str, str, str]]:
    references = (given.customer_id, given.external_id, given.email, given.phone)
    return [
        (_matches(_TYPE, given.type), "type", "invalid_type", "a name in snake_case is wanted"),
        (any(references), "customer_id", "customer_required", "name the customer by an id, e-mail or phone"),
        (given.customer_id is None or isinstance(given.customer_id, str), "customer_id", "not_text", "text is wanted"),
        (given.event_id is None or _matches(_EVENT_ID, given.event_id), "event_id", "invalid_id", "1 to 128 visible ASCII characters"),
        (given.at is None or _is_sane_time(given.at, now), "at", "out_of_range", "an instant with an offset from 1970 to at most a day ahead"),
        (given.amount is None or _is_sane_amount(given.amount), "amount", "invalid_amount", "an amount of at least nothing in a currency"),
    ]  # fmt: skip


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_sane_time(at: object, now: datetime) -> bool:
    if not isinstance(at, datetime) or at.utcoffset() is None:
        return False
    return _EARLIEST <= at <= now + MAX_AHEAD


def _is_sane_amount(amount: object) -> bool:
    if not isinstance(amount, Money) or not isinstance(amount.minor, int) or isinstance(amount.minor, bool):
        return False
    return 0 <= amount.minor <= _MAX_MINOR and _matches(_CURRENCY, amount.currency)


def _identities(given: EventInput, phones: PhoneRules) -> tuple[dict[IdentityKind, str], list[FieldError]]:
    cleaned: dict[IdentityKind, str] = {}
    wrong: list[FieldError] = []
    for kind in IDENTITY_KINDS:
        value = getattr(given, kind)
        if value is None:
            continue
        try:
            cleaned[kind] = _identity(kind, value, phones)
        except Invalid as e:
            wrong += e.fields
    return cleaned, wrong


def _identity(kind: IdentityKind, value: str, phones: PhoneRules) -> str:
    if kind == "email":
        return clean_email(kind, value)
    if kind == "phone":
        return normalise_phone(clean_line(kind, value), phones.region, phones.blocked)
    return clean_external_id(kind, value)


def _properties(given: Mapping[str, object]) -> tuple[dict[str, AttributeValue], list[FieldError]]:
    if not isinstance(given, Mapping) or len(given) > MAX_PROPERTIES:
        return {}, [FieldError("properties", "too_many", f"at most {MAX_PROPERTIES} properties")]
    cleaned: dict[str, AttributeValue] = {}
    wrong: list[FieldError] = []
    for name, value in given.items():
        try:
            cleaned[name] = _property(name, value)
        except Invalid as e:
            wrong += e.fields
    return cleaned, wrong


def _property(name: str, value: object) -> AttributeValue:
    field = f"properties.{str(name)[:64]}"
    if not _matches(_PROPERTY, name):
        raise Invalid.field(field, "invalid_name", "letters, digits, _, . and - are wanted")
    if isinstance(value, bool | int):
        if abs(value) > _MAX_MINOR:
            raise Invalid.field(field, "out_of_range", "the number is too large")
        return value
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) > _MAX_MINOR:
            raise Invalid.field(field, "not_a_number", "a finite number is wanted")
        return value
    if isinstance(value, str):
        # An empty text is a fact here, not a field to be cleared.
        return clean_line(field, value, MAX_PROPERTY) if value.strip() else ""
    raise Invalid.field(field, "not_flat", "text, a number or true/false is wanted, nothing nested")


def _order_id(value: str | None) -> tuple[str | None, list[FieldError]]:
    if value is None:
        return None, []
    try:
        return clean_line("order_id", value, MAX_ORDER_ID), []
    except Invalid as e:
        return None, list(e.fields)


def to_event(clean: CleanEvent, tenant: str, customer_id: str, fresh_id: str, now: datetime) -> Event:
    """The event as it is stored: in whole milliseconds, as its key has no more."""
    at = clean.given.at or now
    return Event(
        tenant=tenant,
        id=clean.given.event_id or fresh_id,
        customer_id=customer_id,
        type=clean.given.type,
        at=_milliseconds(at.astimezone(UTC)),
        received_at=_milliseconds(now),
        amount=clean.given.amount,
        order_id=clean.order_id,
        properties=clean.properties,
        has_client_time=clean.given.at is not None,
    )


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
