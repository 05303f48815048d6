"""Senders of the local stack: its provider reaches nobody, so every sender may use it."""

from __future__ import annotations

from meghdoot.areas.tenants.model import SenderStatus


class LocalIdentityVerifier:
    """Verifies at once."""

    def begin(self, identity: str) -> None:
        """Nothing to ask for."""

    def status(self, identity: str) -> SenderStatus:
        """Always verified."""
        return "verified"
