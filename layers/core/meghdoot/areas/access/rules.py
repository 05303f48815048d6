"""Who may do what, and what a key looks like. Pure."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import get_args

from meghdoot.areas.access.model import KEY_PREFIX, ROLES, ApiKey, Principal, Role, Scope
from meghdoot.kernel.errors import Forbidden, Invalid
from meghdoot.kernel.i18n import has_forbidden_characters
from meghdoot.kernel.ids import is_uuid

SECRET_BYTES = 32
MAX_OVERLAP = timedelta(days=30)
MAX_NAME = 100
_SECRET_CHARS = 43  # 32 bytes in base64url without padding
_MAX_TEXT = 160

_VIEWER: frozenset[Scope] = frozenset(
    {
        "customers:read", "consent:read", "segments:read", "templates:read", "campaigns:read", "reports:read",
        "settings:read", "messages:read",
    }
)  # fmt: skip
_WRITES: frozenset[Scope] = frozenset(
    {"customers:write", "events:write", "consent:write", "segments:write", "templates:write", "campaigns:write"}
)
_DECISIONS: frozenset[Scope] = frozenset({"campaigns:approve", "campaigns:launch", "sending:write", "messages:send"})
"""Who may let messages leave. A server that sends receipts gets an approver's key narrowed to `messages:send`."""
ALL_SCOPES: frozenset[Scope] = frozenset(get_args(Scope))

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    "viewer": _VIEWER,
    "editor": _VIEWER | _WRITES,
    "approver": _VIEWER | _DECISIONS,
    "admin": ALL_SCOPES,
}
"""The matrix. An approver does not write, so that what they approve is somebody else's work."""


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A key's text, taken apart. Has no repr, so that a secret does not slip into a log."""

    tenant: str
    key_id: str
    secret: str


def secret_text(noise: bytes) -> str:
    """The secret from 32 random bytes: base64url, so without the dot that parts a key's text."""
    if len(noise) != SECRET_BYTES:
        raise ValueError(f"a secret is made of {SECRET_BYTES} bytes")
    return urlsafe_b64encode(noise).rstrip(b"=").decode()


def secret_hash(secret: str) -> str:
    """What is stored of a secret: sha256 in hex."""
    return sha256(secret.encode()).hexdigest()


def key_text(tenant: str, key_id: str, secret: str) -> str:
    """What the owner of a key sees, once."""
    return f"{KEY_PREFIX}.{tenant}.{key_id}.{secret}"


def parse_key(text: str) -> Credential | None:
    """The parts of a key's text, or None when it cannot be one of ours."""
    if len(text) > _MAX_TEXT or not text.isascii():
        return None
    parts = text.split(".")
    if len(parts) != 4 or parts[0] != KEY_PREFIX:
        return None
    _, tenant, key_id, secret = parts
    if not tenant or not is_uuid(key_id) or len(secret) != _SECRET_CHARS:
        return None
    return Credential(tenant, key_id, secret)


def opens(key: ApiKey | None, secret: str, now: datetime) -> bool:
    """Whether the secret opens the key now. Takes the same time for an unknown key and for a wrong secret."""
    stored = key.secret_hash if key else secret_hash("")
    matches = hmac.compare_digest(stored, secret_hash(secret))
    return matches and key is not None and is_live(key, now)


def is_live(key: ApiKey, now: datetime) -> bool:
    """Whether the key is neither revoked nor expired; at `expires_at` it is."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def scopes_of(key: ApiKey) -> frozenset[str]:
    """What the key may do: its role's scopes, narrowed by its own."""
    granted = ROLE_SCOPES[key.role]
    return frozenset(granted if key.scopes is None else granted & set(key.scopes))


def principal(key: ApiKey) -> Principal:
    """Who acts with this key."""
    return Principal(key.tenant, f"key:{key.id}", key.role, scopes_of(key))


def require(who: Principal, scope: Scope) -> None:
    """Raises Forbidden (`scope_missing`) unless the principal holds the scope."""
    if scope not in who.scopes:
        raise Forbidden(f"this needs the scope {scope}", code="scope_missing")


def check_name(name: str) -> str:
    """A key's name, trimmed. Raises Invalid."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= MAX_NAME or has_forbidden_characters(trimmed) or "\n" in trimmed or "\r" in trimmed:
        raise Invalid.field("name", "invalid_name", "one line of 1 to 100 characters")
    return trimmed


def check_role(role: str, scopes: Collection[str] | None) -> tuple[Scope, ...] | None:
    """The narrowed scopes in order, or None for all of the role. Raises Invalid for an unknown role or foreign scope."""
    if role not in ROLES:
        raise Invalid.field("role", "unknown_role", f"one of {', '.join(ROLES)}")
    if scopes is None:
        return None
    granted = next(allowed for name, allowed in ROLE_SCOPES.items() if name == role)
    if not scopes or not granted.issuperset(scopes):
        raise Invalid.field("scopes", "scope_not_in_role", f"at least one, and only scopes that a {role} has")
    return tuple(sorted(granted.intersection(scopes)))


def check_overlap(overlap: timedelta) -> None:
    """Raises Invalid unless the overlap is between nothing and 30 days."""
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise Invalid.field("overlap", "out_of_range", "from nothing to 30 days")
