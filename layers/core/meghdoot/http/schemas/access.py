"""API keys and the audit log."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from meghdoot.areas.access.model import ApiKey, AuditEntry, Role, Scope
from meghdoot.http.schemas.common import Answer, Body, Instant, Name


class ApiKeyBody(Body):
    """A key for a server or a person."""

    name: Name
    role: Role
    scopes: list[Scope] | None = Field(
        default=None, min_length=1, max_length=50, description="Narrows the role; left out, all of it."
    )


class RotationBody(Body):
    """How long the old key works on."""

    overlap_hours: int = Field(default=24, ge=0, le=720)


class ApiKeyAnswer(Answer):
    """A key without its secret."""

    id: str
    name: str
    role: Role
    scopes: list[str] | None
    created_by: str
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    replaced_by: str | None
    version: int

    @classmethod
    def of(cls, k: ApiKey) -> ApiKeyAnswer:
        """From the stored key; its hash stays inside."""
        return cls(
            id=k.id, name=k.name, role=k.role, scopes=None if k.scopes is None else list(k.scopes),
            created_by=k.created_by, created_at=k.created_at, updated_at=k.updated_at, expires_at=k.expires_at,
            revoked_at=k.revoked_at, replaced_by=k.replaced_by, version=k.version,
        )  # fmt: skip


class NewApiKeyAnswer(Answer):
    """A key with its secret."""

    api_key: str | None = Field(
        description="Shown once: null when the same Idempotency-Key asks again.", examples=["mdk.acme.<id>.<secret>"]
    )
    key: ApiKeyAnswer


class ApiKeyList(Answer):
    """All keys."""

    keys: list[ApiKeyAnswer]


class AuditAnswer(Answer):
    """One act."""

    id: str
    at: Instant
    actor: str
    action: str
    subject: str
    outcome: str
    detail: str | None

    @classmethod
    def of(cls, e: AuditEntry) -> AuditAnswer:
        """From the stored entry."""
        at: datetime = e.at
        return cls(
            id=e.id, at=at, actor=e.actor, action=e.action, subject=e.subject, outcome=e.outcome, detail=e.detail
        )


class AuditList(Answer):
    """Acts, newest first."""

    entries: list[AuditAnswer]
    after: str | None
