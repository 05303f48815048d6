"""What a profile and its identities may be. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from meghdoot.areas.customers.inputs import CustomerInput, Unset
from meghdoot.areas.customers.model import IDENTITY_KINDS, AttributeValue, Customer, IdentityKind
from meghdoot.kernel.addresses import normalise_email
from meghdoot.kernel.errors import FieldError, Invalid
from meghdoot.kernel.i18n import LANGUAGES, ascii_digits, has_forbidden_characters, nfc, zone_exists
from meghdoot.kernel.keyring import Keyring

ADDRESS_PURPOSE = "address"
BLOCKED_PHONE_PREFIXES: Mapping[str, tuple[str, ...]] = {"BD": ("10", "11", "12")}
"""National prefixes by region that no operator serves, though a numbering table may still hold them valid."""

MAX_TEXT, MAX_EXTERNAL_ID, MAX_TAGS, MAX_TAG = 100, 128, 50, 50
_PHONE_CHARACTERS = re.compile(r"\+?[0-9][0-9 ().\-]{3,30}|\+?\([0-9][0-9 ().\-]{3,30}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST_BIRTH = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """How a number without a country is read, and which prefixes are refused."""

    region: str = "BD"
    blocked: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: BLOCKED_PHONE_PREFIXES)


def normalise_phone(
    text: str,
    region: str = "BD",
    blocked: Mapping[str, tuple[str, ...]] = BLOCKED_PHONE_PREFIXES,
    field: str = "phone",
) -> str:
    """One number in E.164. Digits may be Bangla; a number without a country is of `region`. Raises Invalid.

    Letters are refused rather than read off a keypad, and so are lists, extensions and unserved prefixes.
    """
    import phonenumbers

    wrong = Invalid.field(field, "invalid_phone", "one phone number such as +8801712345678 is wanted")
    digits = ascii_digits(text.strip())
    if not _PHONE_CHARACTERS.fullmatch(digits):
        raise wrong
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException as e:
        raise wrong from e
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise wrong
    own_region = str(phonenumbers.region_code_for_number(number))
    if phonenumbers.national_significant_number(number).startswith(tuple(blocked.get(own_region, ()))):
        raise wrong
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def address_key(keyring: Keyring, kind: IdentityKind, normalised: str, key_id: str | None = None) -> str:
    """`<key id>#<hmac hex>` of an identity, under the current key or a named one. The tenant is in the partition key."""
    tag = keyring.mac(ADDRESS_PURPOSE, f"{kind}\x00{normalised}".encode(), key_id)
    return f"{key_id or keyring.current}#{tag.hex()}"


def lookup_keys(keyring: Keyring, kind: IdentityKind, normalised: str) -> list[str]:
    """Every key under which an identity may be stored: the current one first, then those before a rotation."""
    older = [key_id for key_id in keyring.keys if key_id != keyring.current]
    return [address_key(keyring, kind, normalised, key_id) for key_id in (keyring.current, *older)]


def identities(customer: Customer) -> dict[IdentityKind, str]:
    """The identities that a customer has, normalised."""
    held = {kind: getattr(customer, kind) for kind in IDENTITY_KINDS}
    return {kind: value for kind, value in held.items() if value is not None}


def identity_keys(keyring: Keyring, tenant: str, customer: Customer) -> dict[IdentityKind, str]:
    """The current key of each identity that a customer has. Raises ValueError for a customer of another tenant."""
    if customer.tenant != tenant:
        raise ValueError("the customer is of another tenant")
    return {kind: address_key(keyring, kind, value) for kind, value in identities(customer).items()}


def clean_line(field: str, value: object, most: int = MAX_TEXT) -> str:
    """One line of text, NFC and trimmed. Raises Invalid for control characters, hidden direction marks, surrogates."""
    if not isinstance(value, str):
        raise Invalid.field(field, "not_text", "text is wanted")
    if has_forbidden_characters(value) or any(ch in value for ch in "\r\n\t\x7f"):
        raise Invalid.field(field, "forbidden_characters", "holds a control or direction character")
    text = nfc(value.strip())
    if not text:
        raise Invalid.field(field, "empty", "is empty; null clears a field")
    if len(text) > most:
        raise Invalid.field(field, "too_long", f"has more than {most} characters")
    return text


def clean_birth_date(field: str, value: object) -> str:
    """An ISO date from 1900 on. Raises Invalid. (Whether it lies ahead is for who knows the time.)"""
    text = clean_date(field, value)
    if date.fromisoformat(text) < _EARLIEST_BIRTH:
        raise Invalid.field(field, "out_of_range", "lies before 1900")
    return text


def clean_date(field: str, value: object) -> str:
    """An existing day as `2026-02-28`. Raises Invalid."""
    try:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError as e:
        raise Invalid.field(field, "invalid_date", "a date such as 2026-02-28 is wanted") from e


def _clean_language(field: str, value: object) -> str:
    if value not in LANGUAGES:
        raise Invalid.field(field, "unknown_language", f"one of {', '.join(LANGUAGES)}")
    return str(value)


def _clean_zone(field: str, value: object) -> str:
    if not isinstance(value, str) or not zone_exists(value):
        raise Invalid.field(field, "unknown_zone", "an IANA time zone such as Asia/Dhaka is wanted")
    return value


def _clean_country(field: str, value: object) -> str:
    text = clean_line(field, value).upper()
    if not _COUNTRY.fullmatch(text):
        raise Invalid.field(field, "invalid_country", "two letters (ISO 3166) are wanted")
    return text


def _clean_flag(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid.field(field, "not_a_boolean", "true or false is wanted")
    return value


def clean_tags(field: str, value: object) -> tuple[str, ...]:
    """Different tags in order. Raises Invalid."""
    if isinstance(value, str) or not isinstance(value, (tuple, list)) or len(value) > MAX_TAGS:
        raise Invalid.field(field, "invalid_tags", f"a list of at most {MAX_TAGS} tags is wanted")
    return tuple(sorted({clean_line(f"{field}.{n}", tag, MAX_TAG) for n, tag in enumerate(value)}))


def clean_email(field: str, value: object) -> str:
    """See `normalise_email`."""
    return normalise_email(clean_line(field, value, 400), field)


def clean_external_id(field: str, value: object) -> str:
    """An id in the caller's own system. Raises Invalid."""
    return clean_line(field, value, MAX_EXTERNAL_ID)


_CLEANERS: dict[str, Callable[[str, object], Any]] = {
    "external_id": clean_external_id,
    "email": clean_email,
    "first_name": clean_line,
    "last_name": clean_line,
    "language": _clean_language,
    "zone": _clean_zone,
    "gender": clean_line,
    "birth_date": clean_birth_date,
    "city": clean_line,
    "country": _clean_country,
    "tags": clean_tags,
    "is_active": _clean_flag,
}
_NEVER_NULL = frozenset({"is_active"})


def clean_profile(given: CustomerInput, phones: PhoneRules, today: date) -> dict[str, Any]:
    """The given fields in their stored form, None where cleared. Raises Invalid, naming every wrong field."""
    cleaners = _CLEANERS | {"phone": lambda field, value: _clean_phone(field, value, phones)}
    cleaned: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for name, clean in cleaners.items():
        value = getattr(given, name)
        if isinstance(value, Unset):
            continue
        try:
            cleaned[name] = None if value is None and name not in _NEVER_NULL else clean(name, value)
        except Invalid as e:
            wrong += e.fields
    named: object = given.customer_id
    if named is not None and not isinstance(named, str):
        wrong.append(FieldError("customer_id", "not_text", "text is wanted"))
    if (born := cleaned.get("birth_date")) and date.fromisoformat(born) > today:
        wrong.append(FieldError("birth_date", "out_of_range", "lies ahead"))
    if wrong:
        raise Invalid("the customer's fields are wrong", fields=tuple(wrong))
    if "tags" in cleaned:
        cleaned["tags"] = cleaned["tags"] or ()
    return cleaned


def _clean_phone(field: str, value: object, phones: PhoneRules) -> str:
    return normalise_phone(clean_line(field, value), phones.region, phones.blocked, field)


def with_changes(
    customer: Customer,
    changes: Mapping[str, Any],
    attributes: Mapping[str, AttributeValue | None] | Unset | None,
) -> Customer:
    """The customer with cleaned changes and attributes merged in; equal to what it was when nothing changed."""
    kept: Mapping[str, AttributeValue] = customer.attributes
    if attributes is None:
        kept = {}
    elif not isinstance(attributes, Unset):
        merged = {**customer.attributes, **attributes}
        kept = {name: value for name, value in merged.items() if value is not None}
    return replace(customer, **dict(changes), attributes=dict(kept))


def moved_identities(before: Customer, after: Customer) -> tuple[dict[IdentityKind, str], dict[IdentityKind, str]]:
    """Identities that a change adds and removes, as values."""
    old, new = identities(before), identities(after)
    added = {kind: value for kind, value in new.items() if old.get(kind) != value}
    removed = {kind: value for kind, value in old.items() if new.get(kind) != value}
    return added, removed
