"""The API's services in memory: the real use cases over the twins of every adapter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.adapters.memory.access import MemoryAuditLog, memory_keys
from meghdoot.adapters.memory.campaigns import (
    MemoryLaunchTimers,
    MemoryRunMachine,
    memory_campaigns,
    memory_email_campaigns,
)
from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.content import MemoryTemplateUses, MemoryTemplateVersions, memory_templates
from meghdoot.adapters.memory.counters import MemoryCounters, MemoryReputationMarks, memory_figures
from meghdoot.adapters.memory.customers import MemoryCustomers, MemoryEvents, memory_attributes
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.holding import MemoryHolds
from meghdoot.adapters.memory.idempotency import MemoryIdempotency
from meghdoot.adapters.memory.messaging import (
    MemoryAudience,
    MemoryChunkQueue,
    MemoryChunks,
    MemoryGates,
    MemorySendRows,
)
from meghdoot.adapters.memory.pacer import MemoryStalls, MemoryTallies
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.memory.segments import MemoryEngine
from meghdoot.adapters.memory.singles import (
    MemorySingleRows,
    MemorySingles,
    MemorySingleTimers,
    MemoryUrgentQueue,
    memory_compositions,
)
from meghdoot.adapters.memory.tenants import (
    MemoryIdentityOwners,
    MemoryIdentityVerifier,
    memory_senders,
    memory_tenants,
)
from meghdoot.adapters.memory.touches import MemoryRunLinks
from meghdoot.areas.analytics.model import Conversions
from meghdoot.areas.analytics.reputation_rules import Limits
from meghdoot.areas.campaigns.reach import SegmentReach
from meghdoot.areas.consent.model import Purpose
from meghdoot.areas.customers.model import Customer, Event
from meghdoot.areas.messaging.composing import TemplateComposers
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import Outcome, RunContent
from meghdoot.areas.messaging.run_pace import RunPaceService
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.areas.segments.model import Segment
from meghdoot.kernel.clock import Clock, ManualClock
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.money import Money
from meghdoot.wiring.services import Ports, Services, compose

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
KEYRING = Keyring({"k1": b"1" * 32}, "k1")


class AcceptingTestMail:
    """Takes every test mail."""

    def send_test(
        self,
        tenant: str,
        content: RunContent,
        purpose: Purpose,
        addresses: Sequence[str],
        *,
        fields: Mapping[str, Any] | None = None,
    ) -> Sequence[tuple[str, Outcome]]:
        return [(address, Outcome("accepted", provider_id="m1")) for address in addresses]


class NoConversions:
    """Nobody bought anything."""

    def conversions(
        self, tenant: str, run_id: str, *, window_days: int, currency: str, now: datetime, zone: str
    ) -> Conversions:
        return Conversions(0, 0, Money(0, currency), now)


@dataclass
class RefreshAtOnce:
    """Counts where the state machine would: nothing lies between."""

    services: list[Services] = field(default_factory=list)

    def start(self, tenant: str, segment_id: str | None) -> None:
        if segment_id is not None:
            self.services[0].segments.refresh(tenant, segment_id)


def memory_ports(clock: Clock | None = None, seed: int = 0, gates: GateStore | None = None) -> Ports:
    """Empty stores, a clock that stands still, and seeded entropy."""
    clock = clock or ManualClock(NOW)
    gates, noise = gates or GateStore(), Random(seed)
    customers, events, tenants = MemoryCustomers(gates), MemoryEvents(), memory_tenants()

    def everyone(tenant: str) -> Iterable[Customer]:
        return customers.page(tenant, limit=10**6).items

    def everything(tenant: str) -> Iterable[Event]:
        return [e for c in everyone(tenant) for e in events.page(tenant, c.id, limit=10**6).items]

    def currency(tenant: str) -> str:
        found = tenants.get(tenant, tenant)
        return found.currency if found else "BDT"

    engine, segments = MemoryEngine(everyone, everything, currency, clock), MemoryRecords[Segment]("segment")
    ledger, counters, versions = MemoryConsentLedger(gates), MemoryCounters(), MemoryTemplateVersions()
    return Ports(
        clock=clock,
        ids=SystemIds(clock, noise.randbytes),
        entropy=noise.randbytes,
        keyring=KEYRING,
        public_url="https://m.example.test",
        idempotency=MemoryIdempotency(),
        tenants=tenants,
        senders=memory_senders(),
        owners=MemoryIdentityOwners(),
        verifier=MemoryIdentityVerifier(),
        api_keys=memory_keys(),
        audit=MemoryAuditLog(),
        customers=customers,
        events=events,
        attributes=memory_attributes(),
        ledger=ledger,
        suppressions=MemorySuppressions(gates),
        withdrawals=MemoryWithdrawalLog(),
        templates=memory_templates(),
        versions=versions,
        uses=MemoryTemplateUses(),
        segments=segments,
        engine=engine,
        refresher=RefreshAtOnce(),
        campaigns=memory_campaigns(),
        emails=memory_email_campaigns(),
        timers=MemoryLaunchTimers(),
        machine=MemoryRunMachine(),
        test_mail=AcceptingTestMail(),
        reach=SegmentReach(segments, engine, ledger, customers, tenants, clock),
        figures=memory_figures(),
        conversions=NoConversions(),
        runs=MemoryRecords("run", lambda run: run.status),
        run_links=MemoryRunLinks(),
        chunks=MemoryChunks(),
        queue=MemoryChunkQueue(),
        counters=counters,
        audience=MemoryAudience(),
        rows=MemorySendRows(),
        mails=Mails(TemplateComposers(versions, MimeComposers()), KEYRING),
        pace=RunPaceService(MemoryTallies(), MemoryStalls(), clock),
        holds=MemoryHolds(),
        singles=MemorySingles(),
        single_rows=MemorySingleRows(MemorySendRows()),
        single_timers=MemorySingleTimers(),
        urgent=MemoryUrgentQueue(),
        compositions=memory_compositions(),
        gates=MemoryGates(gates),
        windows=Windows(),
        hours=counters,
        marks=MemoryReputationMarks(),
        limits=Limits(),
    )


def memory_services(ports: Ports | None = None) -> Services:
    """Services over given stores, or over empty ones."""
    ports = ports or memory_ports()
    services = compose(ports)
    if isinstance(ports.refresher, RefreshAtOnce):
        ports.refresher.services[:] = [services]
    return services
