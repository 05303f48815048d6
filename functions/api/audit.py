"""The line of the audit log that an act leaves: ids and decisions, never an address or a body."""

from __future__ import annotations

from meghdoot.http.endpoint import Call
from meghdoot.wiring.services import Services


def note(services: Services, call: Call, action: str, subject: str, detail: str | None = None) -> None:
    """Write down that the caller did something to a thing of theirs."""
    services.access.record(call.tenant, call.principal.actor, action, subject, detail=detail)
