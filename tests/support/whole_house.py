"""Everything that is deployed, in memory and over one set of stores: API, planner, sender, receipts, sweeper, public pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.adapters.memory.counters import MemoryCounters
from meghdoot.adapters.memory.email import MemoryProvider
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.holding import MemoryHolds, MemoryRunWatch, MemorySeal
from meghdoot.adapters.memory.messaging import (
    MemoryAudience,
    MemoryChunkQueue,
    MemoryEvidence,
    MemoryGates,
    MemoryLiveRuns,
    MemorySendRows,
)
from meghdoot.adapters.memory.pacer import MemoryPacer
from meghdoot.adapters.memory.roots import MemoryRoots
from meghdoot.adapters.memory.singles import MemoryUrgentQueue
from meghdoot.adapters.memory.soft_bounces import MemorySoftBounces
from meghdoot.adapters.memory.touches import MemoryTouches, RememberingTouches
from meghdoot.areas.analytics.counting import fate_deltas, padded, row_deltas
from meghdoot.areas.analytics.model import WHOLE_TENANT, Change
from meghdoot.areas.campaigns.due import DueOutcome, DueService
from meghdoot.areas.campaigns.following import RunFollower
from meghdoot.areas.consent.holders import HolderSuppression
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.chunk_views import ChunkViews
from meghdoot.areas.messaging.composing import TemplateComposers
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import ChunkRef, Fact, FactType, OutboundEmail, SendRow
from meghdoot.areas.messaging.planner import PlannerService
from meghdoot.areas.messaging.proving import ProofService
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.areas.messaging.recipients import RecipientService
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.sender import HandledSingle, SingleSender
from meghdoot.areas.messaging.singles.sweeper import SingleSweeper
from meghdoot.areas.messaging.soft_bounces import SoftBounces
from meghdoot.areas.messaging.steps import RunSteps
from meghdoot.areas.messaging.sweeper import SweeperService
from meghdoot.areas.messaging.turn import Handled
from meghdoot.http.recipients import RecipientSite
from meghdoot.kernel.clock import ManualClock
from tests.api.client import Client
from tests.support.memory_services import KEYRING, NOW, memory_ports

PUBLIC = "https://m.example.test"
PROVIDER = "memory"


@dataclass
class CountingRows(MemorySendRows):
    """Rows whose changes are counted, as the stream's reader counts those of the table."""

    counters: MemoryCounters = field(default_factory=MemoryCounters)
    _told: int = 0

    def born(self, rows: Sequence[SendRow]) -> list[bool]:
        new = super().born(rows)
        for row, is_new in zip(rows, new, strict=True):
            if is_new:
                self._count(None, row)
        return new

    def climb(self, row: SendRow) -> bool:
        before = self.get_many(row.tenant, [(row.customer_id, row.minute, row.send_key)]).get(row.send_key)
        climbed = super().climb(row)
        if climbed and before is not None:
            self._count(before, row)
        return climbed

    def _count(self, old: SendRow | None, row: SendRow) -> None:
        self._told += 1
        sequence, before = padded(str(self._told)), old and (old.state, old.reason)
        deltas, fate = row_deltas(old and old.state, row.state), fate_deltas(before, (row.state, row.reason))
        changes = [Change(row.tenant, row.run_id, "20260105", sequence, deltas)]
        if fate:
            changes.append(Change(row.tenant, WHOLE_TENANT, f"{row.at:%Y%m%d%H}", sequence, fate))
        self.counters.apply(changes)


class WholeHouse:
    """A deployment. `people` enter by the API; time stands still until somebody moves it."""

    def __init__(self, *tenants: str, **settings: Any) -> None:
        self.clock, self.gates = ManualClock(NOW), GateStore()
        ports = memory_ports(self.clock, gates=self.gates)
        self.counters: Any = ports.counters
        self.rows = CountingRows(counters=self.counters)
        self.ports = replace(ports, rows=self.rows)
        self.client = Client(self.ports)
        self.services = self.client.services
        for tenant in tenants or ("acme",):
            self.services.tenants.create(
                tenant, name="Acme", postal_address="1 Lake Road, Dhaka 1207", currency="BDT",
                **{"zone": "Asia/Dhaka", **settings},
            )  # fmt: skip
        self.provider, self.evidence, self.live = MemoryProvider(PROVIDER), MemoryEvidence(), MemoryLiveRuns()
        self.audience: MemoryAudience = self.ports.audience  # type: ignore[assignment]
        self.touches = MemoryTouches()
        self.roots = MemoryRoots()
        self.lines: list[tuple[str, Mapping[str, Any]]] = []
        self.queue: MemoryChunkQueue = self.ports.queue  # type: ignore[assignment]
        self.holds: MemoryHolds = self.ports.holds  # type: ignore[assignment]
        self.seal = MemorySeal()
        self._wire()

    def _wire(self) -> None:
        p, services = self.ports, self.services
        composers = TemplateComposers(p.versions, MimeComposers())
        gates, keys = MemoryGates(self.gates), EmailKeys(KEYRING)
        planner = PlannerService(
            p.runs, self.live, p.tenants, p.engine, p.customers, gates, self.audience, p.chunks, p.queue,
            composers.used_fields, p.clock,
        )  # fmt: skip
        self.proofs = ProofService(p.runs, ChunkViews(p.chunks, self.audience, self.rows), self.roots, p.clock)
        self.sweeper = SweeperService(
            p.runs, self.live, p.chunks, self.audience, p.queue, self.rows, self.evidence, p.clock, PROVIDER, p.holds,
            self.proofs,
        )  # fmt: skip
        self.steps = RunSteps(planner, services.runs, self.sweeper)
        self.sender = SenderService(
            p.runs, p.chunks, self.audience, gates, p.queue, self.provider, MemoryPacer(tallies=p.pace.tallies, stalls=p.pace.stalls),
            Mails(composers, KEYRING), services.consent, keys, p.clock, p.ids, self._pause, lambda: 0.5,
            MemoryRunWatch(p.runs, self.holds), self.seal,
        )  # fmt: skip
        suppression = HolderSuppression(p.customers, services.consent)
        soft = SoftBounces(MemorySoftBounces(self.rows))
        self.receipts = ReceiptService(self.rows, suppression, keys, p.owners, self.evidence, soft)
        self._wire_singles(gates, keys, composers)
        self.follower, self.due = RunFollower(services.campaigns), DueService(services.campaigns)
        recipients = RecipientService(services.consent, RememberingTouches(self.touches), p.run_links, p.clock)
        self.site = RecipientSite(recipients, KEYRING, lambda decision, facts: self.lines.append((decision, facts)))

    def _wire_singles(self, gates: MemoryGates, keys: EmailKeys, composers: TemplateComposers) -> None:
        p, consent = self.ports, self.services.consent
        guard = SingleGuard(gates, consent.suppressions, KEYRING, p.clock)
        self.urgent: MemoryUrgentQueue = p.urgent  # type: ignore[assignment]
        # The rows of single messages stand among all others, where the provider's word finds them.
        p.single_rows.rows = self.rows  # type: ignore[attr-defined]
        self.single_sender = SingleSender(
            p.singles, p.single_rows, p.compositions, guard, self.holds, self.seal, p.urgent, p.single_timers,
            self.evidence, self.provider, MemoryPacer(), SingleMails(composers, KEYRING), consent, keys, p.clock,
            p.ids, self._pause, lambda: 0.5, p.windows,
        )  # fmt: skip
        self.single_sweeper = SingleSweeper(
            p.singles, p.single_rows, p.single_timers, p.urgent, self.evidence, p.clock, PROVIDER, p.windows
        )

    def send_singles(self, seconds: float = 60.0) -> list[HandledSingle]:
        """Hand everything in the urgent queue to the sender of single messages."""
        begin = self.clock.now()
        return [
            self.single_sender.handle(ref, lambda: seconds - (self.clock.now() - begin).total_seconds())
            for ref in self.urgent.take()
        ]

    def _pause(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    def person(
        self, name: str, *, language: str = "en", consent: bool = True, tenant: str = "acme", **more: Any
    ) -> str:
        """A customer with an address, who has agreed unless told otherwise; answers the id."""
        who = self.client.as_(tenant=tenant)
        body = {"email": f"{name.lower()}@example.com", "external_id": name, "language": language, **more}
        customer = str(who.post("/customers", body).json["customer"]["id"])
        if consent:
            act = {"channel": "email", "state": "granted", "text_version": "v1"}
            assert who.post(f"/customers/{customer}/consent", act).status == 201
        return customer

    def everybody(self) -> str:
        """A segment of all customers."""
        everyone = {"conditions": [{"field": "total_orders", "operator": "less_than", "value": 1}], "logic": "AND"}
        made = self.client.post("/segments", {"segment_name": "Everybody", "criteria": everyone})
        assert made.status == 201, made.text
        return str(made.json["id"])

    def draft(self, template: Mapping[str, Any], **email: Any) -> str:
        """An e-mail campaign to everybody from a verified sender; answers its path."""
        self.client.post("/senders", {"sender_email": "news@shop.example", "display_name": "Shop"})
        self.client.post("/senders/news@shop.example/verify")
        made = self.client.post("/templates", template)
        assert made.status == 201, made.text
        body = {
            "campaign_name": "Eid", "subject_line": "Eid", "sender_name": "Shop", "sender_email": "news@shop.example",
            "template_id": made.json["id"], "target_segments": [self.everybody()], **email,
        }  # fmt: skip
        created = self.client.post("/email-campaigns", body)
        assert created.status == 201, created.text
        return f"/email-campaigns/{created.json['id']}"

    def launch(self, path: str) -> str:
        """Launch and plan; the chunks wait in the queue. Answers the run."""
        reply = self.client.post(f"{path}/launch")
        assert reply.status == 202, reply.text
        run = str(reply.json["run_id"])
        self.plan(run)
        return run

    def plan(self, run: str) -> None:
        """What the run's machine does first."""
        slice_: int | None = 0
        while slice_ is not None:
            slice_ = self.steps.plan("acme", run, slice_)

    def send(self, seconds: float = 300.0) -> list[Handled]:
        """Hand everything in the queue to the sender, which has so many seconds for each chunk."""
        return [self.deliver(ref, seconds) for ref in self.queue.take()]

    def deliver(self, ref: ChunkRef, seconds: float = 300.0) -> Handled:
        """One chunk to the sender."""
        begin = self.clock.now()
        return self.sender.handle(ref, lambda: seconds - (self.clock.now() - begin).total_seconds())

    def word(self, mail: OutboundEmail, kind: FactType, subtype: str | None = None) -> Fact:
        """The provider's word about a mail, as of now."""
        tags, now = mail.tags, self.clock.now()
        return Fact(
            PROVIDER, kind, now, f"{kind}-{tags['key']}", accepted_at=now, subtype=subtype, tenant=tags["tenant"],
            run_id=tags["run"], chunk=int(tags["chunk"]), index=int(tags["index"]), customer_id=tags["customer"],
            send_key=tags["key"], minute=tags["minute"], address=mail.to,
        )  # fmt: skip

    def close(self, run: str) -> str:
        """What the run's machine does last; answers the follower's word."""
        return self.follower.follow(self.steps.close("acme", run))

    def tick(self) -> list[DueOutcome]:
        """The ticker's launches of this minute."""
        return self.due.launch_due(self.clock.now())

    def accounting(self, run: str) -> dict[str, int]:
        """The API's word on a run; its states add up to the audience that it names."""
        told = self.client.get(f"/runs/{run}").json["accounting"]
        assert sum(told["people"].values()) == told["audience"], told
        return dict(told["people"])
