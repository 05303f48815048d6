"""API keys, roles, principals and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["viewer", "editor", "approver", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "editor", "approver", "admin")

Scope = Literal[
    "customers:read", "customers:write", "events:write", "consent:read", "consent:write", "segments:read",
    "segments:write", "templates:read", "templates:write", "campaigns:read", "campaigns:write", "campaigns:approve",
    "campaigns:launch", "sending:write", "messages:read", "messages:send", "reports:read", "settings:read", "settings:write", "keys:write", "audit:read",
]  # fmt: skip

KEY_PREFIX = "mdk"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a server or a person. Only the hash of its secret is stored; the secret is shown once.

    The text form is `mdk.<tenant>.<id>.<secret>`. A rotated key stays valid until `expires_at`.
    """

    tenant: str
    id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...] | None
    """Narrows the role; None grants all that the role may do."""
    secret_hash: str
    """sha256 of the secret in hex. The secret has 256 random bits, so a slow hash would add nothing."""
    created_by: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    replaced_by: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a key of a tenant with a role. `actor` goes into created_by, approved_by and the audit log."""

    tenant: str
    actor: str
    role: Role
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act: who did what to which thing. Holds ids and decisions, never an address or a body."""

    tenant: str
    id: str
    at: datetime
    actor: str
    action: str
    """`campaign.launch`, `key.create` and the like."""
    subject: str
    """The id of the thing acted upon."""
    outcome: str = "done"
    detail: str | None = None
