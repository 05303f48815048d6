"""What a tenant and a sender identity may look like. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any
from urllib.parse import urlsplit

from meghdoot.areas.tenants.model import TENANT_ID, SenderIdentity, Tenant
from meghdoot.kernel.addresses import normalise_domain, normalise_email
from meghdoot.kernel.errors import FieldError, Invalid
from meghdoot.kernel.i18n import LANGUAGES, has_forbidden_characters, nfc, zone_exists

_CURRENCY = re.compile(r"[A-Z]{3}")
_HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_NOT_EDITABLE = frozenset({"id", "created_at", "updated_at", "version"})
EDITABLE = frozenset(f.name for f in fields(Tenant)) - _NOT_EDITABLE

MAX_NAME, MAX_POSTAL_ADDRESS, MAX_URL, MAX_DISPLAY_NAME = 100, 500, 2000, 100
MAX_ATTRIBUTION_DAYS, MAX_CAP, MAX_WEIGHT = 90, 100, 100


def is_one_line(text: object, most: int, least: int = 1) -> bool:
    """Whether the value is text of `least` to `most` characters without any control character or line break."""
    if not isinstance(text, str) or not least <= len(text) <= most or has_forbidden_characters(text):
        return False
    return not any(ch in text for ch in "\t\r\n\x7f\x85\u2028\u2029")


def is_web_url(text: object) -> bool:
    """Whether the value is an http(s) URL with a host and without credentials or spaces."""
    if not isinstance(text, str) or not is_one_line(text, MAX_URL) or any(ch in text for ch in ' \\"<>'):
        return False
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc


def is_host(text: object) -> bool:
    """Whether the value is a bare host name in lower case."""
    return isinstance(text, str) and _HOST.fullmatch(text) is not None


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda n: isinstance(n, int) and not isinstance(n, bool) and least <= n <= most


def _optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_postal_address(value: Any) -> bool:
    # Lines are welcome here: it is printed in the footer, never in a header.
    return (
        isinstance(value, str) and 1 <= len(value.strip()) <= MAX_POSTAL_ADDRESS and not has_forbidden_characters(value)
    )


# Field -> check, code, sentence.
_CHECKS: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "id": (lambda v: isinstance(v, str) and TENANT_ID.fullmatch(v) is not None, "invalid_tenant_id", "3 to 32 of a-z, 0-9 and -, no - at an end"),
    "name": (lambda v: is_one_line(v, MAX_NAME) and bool(v.strip()), "invalid_name", "one line of 1 to 100 characters"),
    "postal_address": (_is_postal_address, "invalid_postal_address", "1 to 500 characters"),
    "privacy_url": (_optional(is_web_url), "invalid_url", "an http or https address"),
    "zone": (lambda v: isinstance(v, str) and zone_exists(v), "unknown_zone", "an IANA time zone such as Asia/Dhaka"),
    "currency": (lambda v: isinstance(v, str) and _CURRENCY.fullmatch(v) is not None, "invalid_currency", "three capital letters (ISO 4217)"),
    "tracking_domain": (_optional(is_host), "invalid_domain", "a host name in lower case, without https://"),
    "attribution_days": (_whole(1, MAX_ATTRIBUTION_DAYS), "out_of_range", "1 to 90 days"),
    "default_language": (lambda v: v in LANGUAGES, "unknown_language", "en or bn"),
    "four_eyes": (_is_flag, "not_a_boolean", "true or false"),
    "approval_required": (_is_flag, "not_a_boolean", "true or false"),
    "daily_cap": (_optional(_whole(1, MAX_CAP)), "out_of_range", "1 to 100, or null for no cap"),
    "weekly_cap": (_optional(_whole(1, MAX_CAP)), "out_of_range", "1 to 100, or null for no cap"),
    "test_only": (_is_flag, "not_a_boolean", "true or false"),
    "sending_weight": (_whole(1, MAX_WEIGHT), "out_of_range", "1 to 100"),
}  # fmt: skip


def check_tenant(tenant: Tenant) -> None:
    """Raises Invalid, naming every wrong field."""
    wrong = tuple(
        FieldError(name, code, sentence)
        for name, (passes, code, sentence) in _CHECKS.items()
        if not passes(getattr(tenant, name))
    )
    if wrong:
        raise Invalid("the tenant's settings are wrong", fields=wrong)


def with_changes(tenant: Tenant, changes: Mapping[str, Any]) -> Tenant:
    """The tenant with some settings replaced. Raises Invalid for unknown fields and wrong values."""
    unknown = sorted(set(changes) - EDITABLE)
    if unknown:
        wrong = tuple(FieldError(name, "unknown_field", "cannot be changed") for name in unknown)
        raise Invalid("these settings cannot be changed", fields=wrong)
    texts: dict[str, Any] = {name: nfc(value) if isinstance(value, str) else value for name, value in changes.items()}
    changed = replace(tenant, **texts)
    check_tenant(changed)
    return changed


def sender_id(text: str) -> str:
    """An address, or `@domain`, in its one spelling. Raises Invalid (`address`)."""
    trimmed = text.strip()
    if trimmed.startswith("@"):
        return "@" + normalise_domain(trimmed[1:], "address")
    return normalise_email(trimmed, "address")


def provider_identity(identity: str) -> str:
    """What a provider calls a sender identity: the address, or the domain without its `@`."""
    return identity.removeprefix("@")


def domain_of(identity: str) -> str:
    """The domain of an address or of `@domain`."""
    return identity.rpartition("@")[2]


def check_display_name(text: str) -> str:
    """The display name, NFC and trimmed. Raises Invalid: a line break in it would begin a header of its own."""
    if not is_one_line(text, MAX_DISPLAY_NAME) or not text.strip(" "):
        raise Invalid.field("display_name", "invalid_display_name", "one line of 1 to 100 characters")
    return nfc(text.strip(" "))


def check_reply_to(text: str | None) -> str | None:
    """The address for answers. Raises Invalid; line breaks anywhere in it are refused, not trimmed."""
    if text is None:
        return None
    if not is_one_line(text, MAX_URL):
        raise Invalid.field("reply_to", "invalid_email", "one plain address")
    return normalise_email(text, "reply_to")


def covers(identity: SenderIdentity, address: str) -> bool:
    """Whether an address may send under this identity: it is the identity, or lies in its domain."""
    return identity.id in (address, f"@{domain_of(address)}")
