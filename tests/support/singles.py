"""Single messages in memory, with real services, whose processes can be ended at any of their I/O calls."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from quopri import decodestring
from typing import Any

from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.content import MemoryTemplateVersions, memory_templates
from meghdoot.adapters.memory.customers import MemoryCustomers, MemoryEvents, memory_attributes
from meghdoot.adapters.memory.email import MemoryProvider
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.holding import MemoryHolds, MemorySeal
from meghdoot.adapters.memory.messaging import MemoryEvidence, MemoryGates, MemorySendRows
from meghdoot.adapters.memory.pacer import MemoryPacer
from meghdoot.adapters.memory.singles import (
    MemorySingleRows,
    MemorySingles,
    MemorySingleTimers,
    MemoryUrgentQueue,
    memory_compositions,
)
from meghdoot.adapters.memory.soft_bounces import MemorySoftBounces
from meghdoot.adapters.memory.tenants import (
    MemoryIdentityOwners,
    MemoryIdentityVerifier,
    memory_senders,
    memory_tenants,
)
from meghdoot.adapters.memory.touches import MemoryRunLinks
from meghdoot.areas.consent.holders import HolderSuppression
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.content.model import Template, Variable
from meghdoot.areas.customers.inputs import CustomerInput
from meghdoot.areas.customers.service import CustomerService
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.composing import TemplateComposers
from meghdoot.areas.messaging.model import Fact, FactType, OutboundEmail
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.areas.messaging.singles.composition import SingleComposer
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.model import SingleRef, SingleRequest, SingleView
from meghdoot.areas.messaging.singles.sender import HandledSingle, SingleSender
from meghdoot.areas.messaging.singles.service import SingleService
from meghdoot.areas.messaging.singles.sweeper import SingleSweeper, SweptSingles
from meghdoot.areas.messaging.soft_bounces import SoftBounces
from meghdoot.areas.tenants.service import TenantService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring
from tests.support.killing import Killed, Switch

TENANT = "acme"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SENDER = "shop@shop.example"
KEYRING = Keyring({"k1": b"0" * 32}, "k1")


def template(template_id: str, category: Any, version: int = 1) -> Template:
    """A receipt (or an offer) that greets by name and shows a code."""
    html = '<p>Hi {{first_name}}, {{code}}</p><a href="https://shop.example/orders">Orders</a>'
    if category != "transactional":
        html += '<p>{{postal_address}} <a href="{{unsubscribe_url}}">out</a></p>'
    return Template(
        TENANT, template_id, version, "Receipt", category, "Your order {{code}}", html, "me", START, START,
        variables=(Variable("first_name", "friend"), Variable("code")),
    )  # fmt: skip


class SingleWorld:
    """A tenant with a verified sender, two templates (`receipt`, `offer`) and the customers that tests ask for."""

    def __init__(self, switch: Switch | None = None, **settings: Any) -> None:
        self.clock = ManualClock(START)
        self.switch = switch or Switch()
        self.watched = False
        self.ids_made = 0
        self.gates = GateStore()
        io, ids = self._io, SystemIds(self.clock, self._noise)
        self.suppressions = MemorySuppressions(self.gates, io)
        self.customers = MemoryCustomers(self.gates)
        ledger = MemoryConsentLedger(self.gates)
        self.consent = ConsentService(ledger, self.suppressions, MemoryWithdrawalLog(), self.clock, ids)
        self.people = CustomerService(
            self.customers, MemoryEvents(), memory_attributes(), KEYRING, self.clock, ids
        )  # fmt: skip
        self.owners = MemoryIdentityOwners()
        self.verifier = MemoryIdentityVerifier()
        self.tenants = TenantService(memory_tenants(), memory_senders(), self.owners, self.verifier, self.clock)
        self.singles, self.timers, self.queue = MemorySingles(io), MemorySingleTimers(io), MemoryUrgentQueue(io)
        self.send_rows = MemorySendRows(io)
        self.rows = MemorySingleRows(self.send_rows, io)
        self.compositions, self.links = memory_compositions(io), MemoryRunLinks()
        self.evidence, self.provider, self.pacer = MemoryEvidence(io), MemoryProvider(io=io), MemoryPacer(io=io)
        self.holds, self.seal = MemoryHolds(io), MemorySeal(io=io)
        self.templates, self.versions = memory_templates(), MemoryTemplateVersions()
        self.mails = SingleMails(TemplateComposers(self.versions, MimeComposers()), KEYRING)
        self._populate(settings)
        self.guard = SingleGuard(MemoryGates(self.gates, io), self.suppressions, KEYRING, self.clock)
        composer = SingleComposer(
            self.tenants, self.templates, self.versions, self.compositions, self.links, self.clock, "https://m.example"
        )
        self.service = SingleService(
            self.singles, self.rows, self.timers, self.queue, composer, self.mails, self.guard, self.people,
            self.tenants.get, self.clock,
        )  # fmt: skip
        self.sweeper = SingleSweeper(
            self.singles, self.rows, self.timers, self.queue, self.evidence, self.clock, self.provider.name
        )
        self.receipts = ReceiptService(
            self.send_rows,
            HolderSuppression(self.customers, self.consent),
            EmailKeys(KEYRING),
            self.owners,
            self.evidence,
            SoftBounces(MemorySoftBounces(self.send_rows)),
        )

    def _populate(self, settings: dict[str, Any]) -> None:
        self.tenants.create(
            TENANT, name="Acme", postal_address="1 Lake Road, Dhaka 1207", currency="BDT", zone="Asia/Dhaka", **settings
        )
        self.tenants.add_sender(TENANT, SENDER, display_name="Shop")
        self.tenants.refresh_sender(TENANT, SENDER)
        for made in (template("receipt", "transactional"), template("offer", "promotional")):
            self.templates.add(made)
            self.versions.add(made)

    def _io(self, name: str) -> None:
        if self.watched:
            self.switch(name)

    def _noise(self, size: int) -> bytes:
        self.ids_made += 1
        return self.ids_made.to_bytes(size, "big")

    def person(self, name: str = "rita", *, consent: bool = True) -> str:
        """A customer with an address; answers the id."""
        made, _ = self.people.upsert(TENANT, CustomerInput(email=f"{name}@x.example", first_name=name.title()))
        if consent:
            self.consent.record(TENANT, made.id, "email", "marketing", "granted", source="test", text_version="v1")
        return made.id

    def accept(self, key: str = "k-1", **wanted: Any) -> SingleView:
        """Take a message; a receipt to Rita's address unless told otherwise."""
        request: dict[str, Any] = {
            "template_id": "receipt", "sender_email": SENDER, "email": "rita@x.example", "variables": {"code": "A-17"},
        }  # fmt: skip
        return self.service.accept(TENANT, SingleRequest(key, **{**request, **wanted}))

    def sender(self) -> SingleSender:
        """A fresh process."""
        return SingleSender(
            self.singles, self.rows, self.compositions, self.guard, self.holds, self.seal, self.queue, self.timers,
            self.evidence, self.provider, self.pacer, self.mails, self.consent, EmailKeys(KEYRING), self.clock,
            SystemIds(self.clock, self._noise), lambda seconds: self.clock.advance(seconds=seconds), lambda: 0.5,
        )  # fmt: skip

    def deliver(self, ref: SingleRef, seconds: float = 60.0) -> HandledSingle:
        """One queue message to one fresh process that has so many seconds."""
        end = self.clock.now() + timedelta(seconds=seconds)
        return self.sender().handle(ref, lambda: (end - self.clock.now()).total_seconds())

    def send(self) -> list[HandledSingle]:
        """Hand everything in the queue to fresh processes."""
        return [self.deliver(ref) for ref in self.queue.take()]

    def deliver_watched(self, ref: SingleRef) -> None:
        """One queue message under the switch."""
        self.watched = True
        try:
            self.deliver(ref)
        except Killed:
            pass
        finally:
            self.watched = False

    def pass_time(self, minutes: int, *, events: bool = True) -> list[SweptSingles]:
        """Minute by minute: the ticker sweeps, the queue is drained; `events` are about others' messages, all the time."""
        swept = []
        for _ in range(minutes):
            self.clock.advance(minutes=1)
            if events:
                self.evidence.heard(self.provider.name, self.clock.now())
            swept.append(self.sweeper.sweep())
            self.send()
        return swept

    def view(self, key: str = "k-1") -> SingleView:
        """What the API shows of the message of a key."""
        return self.service.get(TENANT, self.accepted_id(key))

    @staticmethod
    def accepted_id(key: str) -> str:
        """The id of the message of a key."""
        from meghdoot.areas.messaging.singles.rules import message_id

        return message_id(TENANT, key)

    def accepted(self) -> Counter[str]:
        """Messages by how often the provider truly took them."""
        return Counter(mail.tags["message"] for mail in self.provider.accepted)

    def word(self, mail: OutboundEmail, kind: FactType = "delivered", **more: Any) -> Fact:
        """The provider's word about a mail."""
        tags = mail.tags
        return Fact(
            self.provider.name, kind, self.clock.now(), f"{kind}-{tags['key']}-{tags['attempt']}",
            accepted_at=self.clock.now(), tenant=tags["tenant"], run_id=tags["run"], customer_id=tags["customer"],
            send_key=tags["key"], minute=tags["minute"], address=mail.to, message_id=tags["message"],
            attempt=int(tags["attempt"]), **more,
        )  # fmt: skip


def text_of(mail: OutboundEmail) -> str:
    """The whole message, readable."""
    return decodestring(mail.raw or b"").decode()


def shown(world: SingleWorld, key: str = "k-1") -> tuple[str, str | None]:
    """State and reason, as its client sees them."""
    view = world.view(key)
    return view.state, view.row.reason if view.row else None


def suppressed(world: SingleWorld, customer: str) -> None:
    """Somebody closes the address of a customer."""
    world.consent.suppress(
        TENANT, world.service.mails.keyring.current + "#x", "email", "hard_bounce", customer_id=customer
    )


def offer(world: SingleWorld, key: str, customer: str) -> None:
    """Takes an offer for a customer."""
    world.accept(key, email=None, customer_id=customer, template_id="offer", purpose="marketing")
