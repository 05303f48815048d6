"""Cleaning of what people write: each cleaner answers the stored value or raises `Problem`; all are collected."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from meghdoot.areas.campaigns.local_time import to_instant
from meghdoot.kernel.errors import FieldError, Invalid
from meghdoot.kernel.i18n import has_forbidden_characters, nfc, zone_exists
from meghdoot.kernel.money import Money, exponent

MAX_DOCUMENT_BYTES = 16_384


class Problem(ValueError):
    """One wrong value: a stable code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the meaning of a value depends on: the currency of amounts and the zone of local times."""

    currency: str
    zone: str


Cleaner = Callable[[Any, Surroundings], Any]


def clean(data: Mapping[str, Any], cleaners: Mapping[str, Cleaner], around: Surroundings) -> dict[str, Any]:
    """Clean every given field. Raises Invalid that names each wrong or unknown one."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in data.items():
        cleaner = cleaners.get(name)
        if cleaner is None:
            errors.append(FieldError(name, "unknown_field", "there is no such field"))
            continue
        try:
            values[name] = cleaner(value, around)
        except Problem as e:
            errors.append(FieldError(name, e.code, e.message))
    refuse(errors)
    return values


def refuse(errors: list[FieldError]) -> None:
    """Raises Invalid when there are errors."""
    if errors:
        raise Invalid("; ".join(f"{e.field}: {e.message}" for e in errors), fields=tuple(errors))


def text(longest: int, *, one_line: bool = True) -> Cleaner:
    """Text that is not blank, in NFC; one line refuses CR and LF, so that no header can be smuggled in."""

    def cleaner(value: Any, _around: Surroundings) -> str:
        if not isinstance(value, str) or not value.strip():
            raise Problem("required", "needs a text")
        if has_forbidden_characters(value) or (one_line and ("\n" in value or "\r" in value)):
            raise Problem("forbidden_characters", "holds characters that are not allowed")
        stripped = nfc(value.strip())
        if len(stripped) > longest:
            raise Problem("too_long", f"has more than {longest} characters")
        return stripped

    return cleaner


def whole(least: int, most: int) -> Cleaner:
    """A whole number between two bounds."""

    def check(value: Any, _around: Surroundings) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Problem("out_of_range", f"must be a whole number from {least} to {most}")
        return value

    return check


def optional(inner: Cleaner) -> Cleaner:
    """The same, with null for nothing."""
    return lambda value, around: None if value is None else inner(value, around)


def one_of(values: tuple[str, ...]) -> Cleaner:
    """One of a closed list."""

    def cleaner(value: Any, _around: Surroundings) -> str:
        if not isinstance(value, str) or value not in values:
            raise Problem("unknown_value", f"must be one of {', '.join(values)}")
        return value

    return cleaner


def list_of(inner: Cleaner, most: int) -> Cleaner:
    """At least one and at most so many values; doubles fall away, the order stays."""

    def cleaner(value: Any, around: Surroundings) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise Problem("not_a_list", "must be a list")
        items = tuple(dict.fromkeys(inner(item, around) for item in value))
        if not 1 <= len(items) <= most:
            raise Problem("wrong_length", f"needs 1 to {most} values")
        return items

    return cleaner


def amount(value: Any, around: Surroundings) -> Money:
    """Money that is not negative, with no more places than its currency has.

    A float is read by its shortest text, so 12.5 is fine and 0.1 + 0.2 is refused for its seventeen places.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal, Money)):
        raise Problem("not_an_amount", "must be an amount")
    if isinstance(value, Money):
        money = value
    else:
        money = _money(repr(value) if isinstance(value, float) else value, around.currency)
    if money.minor < 0:
        raise Problem("negative_amount", "must not be negative")
    if money.currency != around.currency:
        raise Problem("wrong_currency", f"must be in {around.currency}")
    return money


def _money(value: int | str | Decimal, currency: str) -> Money:
    try:
        return Money.of(value, currency)
    except ValueError as e:
        code = "too_many_decimals" if "decimals" in str(e) else "not_an_amount"
        raise Problem(code, f"must be an amount with at most {exponent(currency)} decimals") from e


def currency(value: Any, _around: Surroundings) -> str:
    """An ISO 4217 code by its shape."""
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise Problem("unknown_currency", "must be an ISO 4217 code such as BDT")
    return value


def zone(value: Any, _around: Surroundings) -> str:
    """An IANA time zone."""
    if not isinstance(value, str) or not zone_exists(value):
        raise Problem("unknown_time_zone", "must be an IANA time zone such as Asia/Dhaka")
    return value


def instant(value: Any, around: Surroundings) -> datetime:
    """An instant from RFC 3339, or a local time without an offset in the zone that the surroundings name."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(at, datetime):
            raise Problem("not_an_instant", "must be a date and time in RFC 3339")
        return to_instant(at, around.zone) if at.tzinfo is None else at.astimezone(UTC)
    except Problem:
        raise
    except (ValueError, OverflowError) as e:
        raise Problem("not_an_instant", "must be a date and time in RFC 3339") from e


def document(value: Any, _around: Surroundings) -> dict[str, Any]:
    """A JSON object of at most 16 KB."""
    if not isinstance(value, Mapping):
        raise Problem("not_an_object", "must be an object")
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as e:
        raise Problem("not_json", "holds something that JSON has no word for") from e
    if size > MAX_DOCUMENT_BYTES:
        raise Problem("too_long", f"has more than {MAX_DOCUMENT_BYTES} bytes")
    return dict(value)
