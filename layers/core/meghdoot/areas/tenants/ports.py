"""What tenants need from the outside."""

from __future__ import annotations

from typing import Protocol

from meghdoot.areas.tenants.model import SenderIdentity, SenderStatus, Tenant
from meghdoot.kernel.records import Records


class Tenants(Records[Tenant], Protocol):
    """The stored tenants."""


class Senders(Records[SenderIdentity], Protocol):
    """The stored sender identities."""


class IdentityOwners(Protocol):
    """Which tenant owns a sending identity: a provider's notification without tags knows only that."""

    def claim(self, identity: str, tenant: str) -> None:
        """Make the tenant the owner. Raises Conflict when another tenant is; repeating is fine."""
        ...

    def owner(self, identity: str) -> str | None:
        """The tenant that owns exactly this address or domain, or None."""
        ...

    def release(self, identity: str, tenant: str) -> None:
        """Give the identity up, if it is the tenant's."""
        ...


class IdentityVerifier(Protocol):
    """The provider's word on whether an identity may send."""

    def begin(self, identity: str) -> None:
        """Ask the provider to verify the identity (it sends a mail or names DNS records)."""
        ...

    def status(self, identity: str) -> SenderStatus:
        """What the provider says now."""
        ...
