"""Campaigns in memory: stores, timers and a machine that remembers what was started."""

from __future__ import annotations

from datetime import datetime

from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign


def memory_campaigns() -> MemoryRecords[Campaign]:
    """An empty store of campaigns, listed by status."""
    return MemoryRecords("campaign", lambda c: c.status)


def memory_email_campaigns() -> MemoryRecords[EmailCampaign]:
    """An empty store of e-mail campaigns, listed by status."""
    return MemoryRecords("email campaign", lambda e: e.status)


class MemoryLaunchTimers:
    """Timers in a set."""

    def __init__(self) -> None:
        self._timers: set[tuple[datetime, str, str]] = set()

    def set(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        self._timers.add((at, tenant, email_campaign_id))

    def due(self, until: datetime, limit: int = 100) -> list[tuple[str, str, datetime]]:
        ready = sorted(t for t in self._timers if t[0] <= until)
        return [(tenant, thing, at) for at, tenant, thing in ready[:limit]]

    def done(self, tenant: str, email_campaign_id: str, at: datetime) -> None:
        self._timers.discard((at, tenant, email_campaign_id))


class MemoryRunMachine:
    """Remembers each execution once, in the order of their starts."""

    def __init__(self) -> None:
        self.started: dict[tuple[str, str], None] = {}

    def start(self, tenant: str, run_id: str) -> None:
        self.started.setdefault((tenant, run_id))
