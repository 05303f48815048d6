"""Taking single messages and telling how far they got."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from meghdoot.areas.content.compile import person_fields
from meghdoot.areas.content.model import Template
from meghdoot.areas.content.names import customer_fields
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.customers.service import CustomerService
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.model import SkipReason
from meghdoot.areas.messaging.rules.reserved import is_reserved
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.composition import SingleComposer
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.model import Composition, Single, SingleRef, SingleRequest, SingleView
from meghdoot.areas.messaging.singles.ports import SingleRows, Singles, SingleTimers, UrgentQueue
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.areas.tenants.model import Tenant
from meghdoot.kernel.addresses import normalise_email
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Invalid, NotFound, Unavailable
from meghdoot.kernel.i18n import Language

TenantOf = Callable[[str], Tenant]
"""A tenant's settings by its id. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class SingleService:
    """The use cases of `POST /messages` and `GET /messages/{id}`."""

    singles: Singles
    rows: SingleRows
    timers: SingleTimers
    queue: UrgentQueue
    composer: SingleComposer
    mails: SingleMails
    guard: SingleGuard
    customers: CustomerService
    tenant_of: TenantOf
    clock: Clock
    windows: Windows = field(default_factory=Windows)

    def accept(self, tenant: str, wanted: SingleRequest) -> SingleView:
        """Take a message. The same request under the same key is the same message, for ever.

        Stored first, enqueued second: a queue that does not answer is made up for by the sweeper. Raises Invalid
        (`idempotency_key_reused` for another request under the key, `recipient_required`, what `SingleComposer` says, a
        missing variable, a bad address), NotFound for a customer, template or sender that is not the tenant's.
        """
        ref = SingleRef(tenant, rules.message_id(tenant, wanted.key))
        single = self.singles.get(ref)
        if single is None:
            single = self._stored(self._written(ref, wanted))
        if single.fingerprint != rules.fingerprint(wanted):
            raise Invalid(
                "this key was used for another message",
                code="idempotency_key_reused",
                hint="Use a new key for every new message; a key is one message for ever.",
            )
        return self._launched(single)

    def get(self, tenant: str, message_id: str) -> SingleView:
        """A message and where it stands. Raises NotFound (`message_not_found`)."""
        single = self.singles.get(SingleRef(tenant, message_id))
        if single is None:
            raise NotFound("there is no such message", code="message_not_found")
        return SingleView(single, self.rows.get(single))

    def _launched(self, single: Single) -> SingleView:
        row = self.rows.get(single)
        if row is not None or single.address is None:
            return SingleView(single, row)
        reason = self._refusal(single)
        if reason is not None:
            skipped = rules.over(None, "skipped", reason, self.clock.now())
            self.rows.claim(single, skipped, None)
            return SingleView(single, self.rows.get(single))
        # The timer stands already: what the queue does not take now, the sweeper enqueues within two minutes.
        with suppress(Unavailable):
            self.queue.put([single.ref])
        return SingleView(single)

    def _refusal(self, single: Single) -> SkipReason | None:
        if self.tenant_of(single.tenant).test_only and not is_reserved(single.address or ""):
            return "invalid_address"
        composition = self.composer.compositions.get(single.tenant, single.composition_id)
        return None if composition is None else self.guard.refusal(single, composition)

    def _stored(self, single: Single) -> Single:
        # A hint before the message, so that no message is without one; a hint without a message is forgotten when due.
        self.timers.set(single.tenant, single.id, single.created_at + rules.FIRST_LOOK)
        kept = rules.policy(single.purpose, single.kind, self.windows).content_kept
        return self.singles.add(single, single.created_at + kept) or single

    def _written(self, ref: SingleRef, wanted: SingleRequest) -> Single:
        tenant, now = self.tenant_of(ref.tenant), self.clock.now()
        customer, address = self._recipient(ref.tenant, wanted)
        composition, template = self.composer.compose(tenant, wanted)
        customer_id = customer.id if customer else rules.nobody(EmailKeys(self.mails.keyring)(ref.tenant, address))
        marketing = wanted.purpose == "marketing"
        single = Single(
            tenant=ref.tenant,
            id=ref.message_id,
            fingerprint=rules.fingerprint(wanted),
            composition_id=composition.id,
            template_id=composition.content.template_id,
            template_version=composition.content.template_version,
            customer_id=customer_id,
            channel="email",
            purpose=wanted.purpose,
            kind=wanted.kind,
            language=_language(wanted, customer, composition),
            created_at=now,
            stale_after=now + rules.policy(wanted.purpose, wanted.kind, self.windows).stale,
            daily_cap=tenant.daily_cap if marketing else None,
            weekly_cap=tenant.weekly_cap if marketing else None,
            address=address,
            fields={**_known_fields(customer, template), **wanted.variables},
        )
        self._rehearse(single, composition, now)
        return single

    def _rehearse(self, single: Single, composition: Composition, now: datetime) -> None:
        # What cannot be written must be known to whoever asked, not found out after a 202.
        self.mails.mail(single, composition, 1, now)

    def _recipient(self, tenant: str, wanted: SingleRequest) -> tuple[Customer | None, str]:
        if (wanted.customer_id is None) == (wanted.email is None):
            raise Invalid.field("customer_id", "recipient_required", "either customer_id or email")
        if wanted.customer_id is not None:
            customer = self.customers.get(tenant, wanted.customer_id)
            if customer.email is None:
                raise Invalid.field("customer_id", "no_address", "this customer has no e-mail address")
            return customer, customer.email
        address = normalise_email(wanted.email or "")
        try:
            return self.customers.find(tenant, "email", address), address
        except NotFound:
            if wanted.purpose == "marketing":
                raise
            return None, address


def _language(wanted: SingleRequest, customer: Customer | None, composition: Composition) -> Language:
    content = composition.content
    for spoken in (wanted.language, customer.language if customer else None):
        if spoken in content.languages:
            return spoken
    return content.default_language


def _known_fields(customer: Customer | None, template: Template) -> dict[str, object]:
    return {} if customer is None else customer_fields(customer, person_fields(template))
