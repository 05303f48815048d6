"""Use cases of tenants and their sender identities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from meghdoot.areas.tenants import rules
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.areas.tenants.ports import IdentityOwners, IdentityVerifier, Senders, Tenants
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, NotFound, Stale
from meghdoot.kernel.i18n import Language, nfc

DEFAULT_ATTRIBUTION_DAYS = 7


@dataclass(frozen=True, slots=True)
class TenantService:
    """Tenants, their settings, and the addresses they may send from."""

    tenants: Tenants
    senders: Senders
    owners: IdentityOwners
    verifier: IdentityVerifier
    clock: Clock

    def create(
        self,
        tenant_id: str,
        *,
        name: str,
        postal_address: str,
        zone: str,
        currency: str,
        privacy_url: str | None = None,
        tracking_domain: str | None = None,
        attribution_days: int = DEFAULT_ATTRIBUTION_DAYS,
        default_language: Language = "en",
        four_eyes: bool = False,
        approval_required: bool = False,
        daily_cap: int | None = None,
        weekly_cap: int | None = None,
        test_only: bool = False,
    ) -> Tenant:
        """A new tenant. Raises Invalid naming every wrong field, Conflict (`already_exists`)."""
        now = self.clock.now()
        tenant = Tenant(
            tenant_id, nfc(name), nfc(postal_address), privacy_url, zone, currency, tracking_domain, attribution_days,
            default_language, four_eyes, approval_required, daily_cap, weekly_cap, test_only, now, now,
        )  # fmt: skip
        rules.check_tenant(tenant)
        self.tenants.add(tenant)
        return tenant

    def get(self, tenant_id: str) -> Tenant:
        """The tenant. Raises NotFound."""
        tenant = self.tenants.get(tenant_id, tenant_id)
        if tenant is None:
            raise NotFound("there is no such tenant", code="tenant_not_found")
        return tenant

    def update(self, tenant_id: str, changes: Mapping[str, Any], expected_version: int | None = None) -> Tenant:
        """Replace the given settings. Raises NotFound, Invalid, and Stale unless the stored version is the expected one."""
        stored = self.get(tenant_id)
        if expected_version is not None and expected_version != stored.version:
            raise Stale("the tenant was changed by somebody else")
        changed = rules.with_changes(stored, changes)
        if changed == stored:
            return stored
        changed = replace(changed, version=stored.version + 1, updated_at=self.clock.now())
        self.tenants.replace(changed, stored.version)
        return changed

    def add_sender(
        self,
        tenant_id: str,
        address: str,
        display_name: str,
        reply_to: str | None = None,
        ramp_started_on: date | None = None,
    ) -> SenderIdentity:
        """Register an address or `@domain` and ask the provider to verify it.

        Raises NotFound for the tenant, Invalid for a field, Conflict (`already_exists`; `identity_taken` when another
        tenant has the identity or its domain). Safe to repeat after a failure half way.
        """
        self.get(tenant_id)
        sender_id, now = rules.sender_id(address), self.clock.now()
        name, reply = rules.check_display_name(display_name), rules.check_reply_to(reply_to)
        if self.senders.get(tenant_id, sender_id) is not None:
            raise Conflict("this sender exists already", code="already_exists")
        self._own(tenant_id, sender_id)
        identity = rules.provider_identity(sender_id)
        self.verifier.begin(identity)
        status = self.verifier.status(identity)
        sender = SenderIdentity(tenant_id, sender_id, name, reply, status, now, now, ramp_started_on=ramp_started_on)
        self.senders.add(sender)
        return sender

    def _own(self, tenant_id: str, sender_id: str) -> None:
        if self.owners.owner(rules.domain_of(sender_id)) not in (None, tenant_id):
            raise Conflict("another tenant sends from this domain", code="identity_taken")
        self.owners.claim(rules.provider_identity(sender_id), tenant_id)

    def get_sender(self, tenant_id: str, sender_id: str) -> SenderIdentity:
        """One identity by its address or `@domain`. Raises NotFound."""
        sender = self.senders.get(tenant_id, sender_id.strip().lower())
        if sender is None:
            raise NotFound("there is no such sender", code="sender_not_found")
        return sender

    def list_senders(self, tenant_id: str) -> list[SenderIdentity]:
        """All identities of the tenant, newest change first."""
        return self.senders.all(tenant_id)

    def sender_for(self, tenant_id: str, address: str) -> SenderIdentity:
        """The identity that an address sends under: its own, else that of its domain. Raises NotFound."""
        canonical = rules.sender_id(address)
        own = self.senders.get(tenant_id, canonical)
        sender = own or self.senders.get(tenant_id, f"@{rules.domain_of(canonical)}")
        if sender is None:
            raise NotFound("there is no such sender", code="sender_not_found")
        return sender

    def refresh_sender(self, tenant_id: str, sender_id: str) -> SenderIdentity:
        """Ask the provider for the status and store it when it changed. Raises NotFound, Stale, Unavailable."""
        sender = self.get_sender(tenant_id, sender_id)
        status = self.verifier.status(rules.provider_identity(sender.id))
        if status == sender.status:
            return sender
        changed = replace(sender, status=status, version=sender.version + 1, updated_at=self.clock.now())
        self.senders.replace(changed, sender.version)
        return changed

    def ramp_sender(
        self, tenant_id: str, sender_id: str, started_on: date | None, expected_version: int | None = None
    ) -> SenderIdentity:
        """Begin a plan of growing volumes on a day, or end it; runs that were launched keep theirs. Raises NotFound, Stale."""
        sender = self.get_sender(tenant_id, sender_id)
        if expected_version is not None and expected_version != sender.version:
            raise Stale("the sender was changed by somebody else")
        if sender.ramp_started_on == started_on:
            return sender
        changed = replace(sender, ramp_started_on=started_on, version=sender.version + 1, updated_at=self.clock.now())
        self.senders.replace(changed, sender.version)
        return changed

    def remove_sender(self, tenant_id: str, sender_id: str) -> None:
        """Forget an identity and give it up, so that another tenant may claim it. Absent is fine."""
        canonical = rules.sender_id(sender_id)
        self.senders.remove(tenant_id, canonical)
        self.owners.release(rules.provider_identity(canonical), tenant_id)
