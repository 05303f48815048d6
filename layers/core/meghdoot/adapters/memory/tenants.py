"""Tenants, senders, identity owners and the provider's verifier in memory."""

from __future__ import annotations

from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.tenants.model import SenderIdentity, SenderStatus, Tenant
from meghdoot.kernel.errors import Conflict


def memory_tenants() -> MemoryRecords[Tenant]:
    """The tenants."""
    return MemoryRecords("tenant")


def memory_senders() -> MemoryRecords[SenderIdentity]:
    """The sender identities, listed by status."""
    return MemoryRecords("sender", lambda sender: sender.status)


class MemoryIdentityOwners:
    """Owners in a dict."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def claim(self, identity: str, tenant: str) -> None:
        if self._owners.setdefault(identity, tenant) != tenant:
            raise Conflict("another tenant sends from this identity", code="identity_taken")

    def owner(self, identity: str) -> str | None:
        return self._owners.get(identity)

    def release(self, identity: str, tenant: str) -> None:
        if self._owners.get(identity) == tenant:
            del self._owners[identity]


class MemoryIdentityVerifier:
    """A provider that verifies at once, or only when told: for tests and the local stack."""

    def __init__(self, *, at_once: bool = True) -> None:
        self._at_once = at_once
        self._statuses: dict[str, SenderStatus] = {}

    def begin(self, identity: str) -> None:
        self._statuses.setdefault(identity, "verified" if self._at_once else "pending")

    def status(self, identity: str) -> SenderStatus:
        return self._statuses.get(identity, "failed")

    def say(self, identity: str, status: SenderStatus) -> None:
        """Make the provider answer this from now on."""
        self._statuses[identity] = status
