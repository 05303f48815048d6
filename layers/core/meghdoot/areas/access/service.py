"""Use cases of keys, principals and the audit log."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from meghdoot.areas.access import rules
from meghdoot.areas.access.model import ApiKey, AuditEntry, Principal, Role, Scope
from meghdoot.areas.access.ports import ApiKeys, AuditLog
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, NotFound, Stale, Unauthenticated
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.paging import Page


@dataclass(frozen=True, slots=True)
class AccessService:
    """Keys that open the API, and the record of who did what. `entropy` gives that many random bytes."""

    keys: ApiKeys
    audit: AuditLog
    clock: Clock
    ids: Ids
    entropy: Callable[[int], bytes]

    def create_key(
        self, tenant: str, name: str, role: Role, scopes: Collection[str] | None, created_by: str
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which is shown this once. Raises Invalid for name, role or scopes."""
        made = self._mint(tenant, rules.check_name(name), role, rules.check_role(role, scopes), created_by)
        self.keys.add(made[0])
        self.record(tenant, created_by, "key.create", made[0].id, detail=role)
        return made

    def _mint(
        self, tenant: str, name: str, role: Role, scopes: tuple[Scope, ...] | None, created_by: str
    ) -> tuple[ApiKey, str]:
        now, key_id = self.clock.now(), self.ids.new()
        secret = rules.secret_text(self.entropy(rules.SECRET_BYTES))
        key = ApiKey(tenant, key_id, name, role, scopes, rules.secret_hash(secret), created_by, now, now)
        return key, rules.key_text(tenant, key_id, secret)

    def get(self, tenant: str, key_id: str) -> ApiKey:
        """One key. Raises NotFound."""
        key = self.keys.get(tenant, key_id)
        if key is None:
            raise NotFound("there is no such key", code="key_not_found")
        return key

    def list(self, tenant: str) -> list[ApiKey]:
        """All keys of a tenant, expired and revoked ones too, newest change first."""
        return self.keys.all(tenant)

    def rotate(self, tenant: str, key_id: str, overlap: timedelta, actor: str) -> tuple[ApiKey, str]:
        """A successor with the same rights; the old key expires after the overlap.

        Raises NotFound, Invalid for the overlap, Conflict (`key_not_live`) for a dead or already rotated key.
        """
        rules.check_overlap(overlap)
        old, now = self.get(tenant, key_id), self.clock.now()
        if not rules.is_live(old, now) or old.replaced_by is not None:
            raise Conflict("this key is revoked, expired or already rotated", code="key_not_live")
        successor, text = self._mint(tenant, old.name, old.role, old.scopes, actor)
        # The successor first: a crash in between leaves two keys, never none.
        self.keys.add(successor)
        ends = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
        retired = replace(old, expires_at=ends, replaced_by=successor.id, updated_at=now, version=old.version + 1)
        try:
            self.keys.replace(retired, old.version)
        except Stale:
            self.keys.remove(tenant, successor.id)
            raise
        self.record(tenant, actor, "key.rotate", key_id, detail=successor.id)
        return successor, text

    def revoke(self, tenant: str, key_id: str, actor: str) -> ApiKey:
        """End a key at once; a revoked one stays as it is. Raises NotFound, Stale."""
        key, now = self.get(tenant, key_id), self.clock.now()
        if key.revoked_at is not None:
            return key
        revoked = replace(key, revoked_at=now, updated_at=now, version=key.version + 1)
        self.keys.replace(revoked, key.version)
        self.record(tenant, actor, "key.revoke", key_id)
        return revoked

    def authenticate(self, text: str) -> Principal:
        """Who holds this key. Raises Unauthenticated for whatever is wrong with it, never saying what."""
        credential = rules.parse_key(text)
        if credential is not None:
            key = self.keys.get(credential.tenant, credential.key_id)
            if rules.opens(key, credential.secret, self.clock.now()) and key is not None:
                return rules.principal(key)
        raise Unauthenticated("a valid key is needed", hint="send it as `Authorization: Bearer mdk...`")

    def require(self, who: Principal, scope: Scope) -> None:
        """Raises Forbidden unless the principal holds the scope."""
        rules.require(who, scope)

    def record(
        self, tenant: str, actor: str, action: str, subject: str, *, outcome: str = "done", detail: str | None = None
    ) -> AuditEntry:
        """Write one act to the audit log. Give ids and decisions, never an address or a body."""
        entry = AuditEntry(tenant, self.ids.new(), self.clock.now(), actor, action, subject, outcome, detail)
        self.audit.append(entry)
        return entry

    def audit_page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        """The audit log, newest first."""
        return self.audit.page(tenant, limit=limit, after=after)
