"""Addresses as people write them, on their way to consent: suppressions outlive profiles and meet every spelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meghdoot.areas.consent.model import Channel, Suppression, SuppressionReason
from meghdoot.areas.consent.rules import withdrawal_of_erasure
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.customers import rules
from meghdoot.areas.customers.inputs import CustomerInput, UpsertResult
from meghdoot.areas.customers.model import Customer, IdentityKind, StoredAs
from meghdoot.areas.customers.service import CustomerService
from meghdoot.kernel.addresses import normalise_email
from meghdoot.kernel.errors import Invalid, NotFound

_KINDS: dict[Channel, IdentityKind] = {"email": "email", "sms": "phone", "whatsapp": "phone"}


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Use cases that need both who a customer is and what may be sent to an address."""

    customers: CustomerService
    consent: ConsentService

    def upsert(
        self, tenant: str, given: CustomerInput, *, declare: bool = False, expected_version: int | None = None
    ) -> tuple[Customer, StoredAs]:
        """Create or change a customer; a suppressed address closes its channel before any grant. Raises as customers."""
        customer, stored = self.customers.upsert(tenant, given, declare=declare, expected_version=expected_version)
        self._close(customer, stored)
        return customer, stored

    def upsert_many(self, tenant: str, given: Sequence[CustomerInput], *, declare: bool = False) -> list[UpsertResult]:
        """The same for many, each with its own result. Raises only Throttled and Unavailable."""
        results = self.customers.upsert_many(tenant, given, declare=declare)
        for result in results:
            if result.customer is not None and result.stored is not None:
                self._close(result.customer, result.stored)
        return results

    def erase(self, tenant: str, customer_id: str) -> None:
        """Remove a person for good. Raises NotFound, Stale after lost races, Unavailable when the line was not written.

        The write-once line comes first: once the profile is gone, a repetition would find nobody to write it for.
        """
        self.customers.get(tenant, customer_id)
        self.consent.log.append(withdrawal_of_erasure(tenant, customer_id, self.consent.clock.now()))
        self.customers.delete(tenant, customer_id)

    def _close(self, customer: Customer, stored: StoredAs) -> None:
        if stored == "unchanged":
            return
        for channel, kind in _KINDS.items():
            address = getattr(customer, kind)
            for key in self._keys(kind, address) if address is not None else ():
                self.consent.close_suppressed_channels(customer.tenant, customer.id, {channel: key})

    def suppress(self, tenant: str, channel: Channel, address: str, reason: SuppressionReason) -> Suppression:
        """Never contact an address again. Repeating answers the first one. Raises Invalid for what is no address."""
        kind, normalised = self._normalised(channel, address)
        if (known := self._known(tenant, channel, kind, normalised)) is not None:
            return known
        key = rules.address_key(self.customers.keyring, kind, normalised)
        self.consent.suppress(tenant, key, channel, reason, customer_id=self._holder(tenant, kind, normalised))
        return self.suppression(tenant, channel, address)

    def suppression(self, tenant: str, channel: Channel, address: str) -> Suppression:
        """Why an address is suppressed. Raises NotFound when it is not, Invalid for what is no address."""
        kind, normalised = self._normalised(channel, address)
        known = self._known(tenant, channel, kind, normalised)
        if known is None:
            raise NotFound("this address is not suppressed", code="not_suppressed")
        return known

    def lift(self, tenant: str, channel: Channel, address: str) -> None:
        """Lift a suppression; grants come back only by new consent. Raises NotFound, Invalid."""
        known = self.suppression(tenant, channel, address)
        holder = self._holder(tenant, *self._normalised(channel, address))
        self.consent.lift_suppression(tenant, known.address_key, channel, holder)

    def unsubscribe(self, tenant: str, email: str, reason: str | None, source: str) -> None:
        """Withdraw marketing e-mail for an address; one that nobody holds is suppressed instead. Raises Invalid."""
        kind, normalised = self._normalised("email", email)
        holder = self._holder(tenant, kind, normalised)
        if holder is None:
            self.suppress(tenant, "email", normalised, "unsubscribed")
            return
        self.consent.record(tenant, holder, "email", "marketing", "withdrawn", source=source, reason=reason)

    def _normalised(self, channel: Channel, address: str) -> tuple[IdentityKind, str]:
        kind = _KINDS.get(channel)
        if kind is None:
            raise Invalid.field("channel", "no_addresses", f"{channel} has no addresses to suppress")
        if kind == "email":
            return kind, normalise_email(address, "address")
        phones = self.customers.phones
        return kind, rules.normalise_phone(address, phones.region, phones.blocked, "address")

    def _keys(self, kind: IdentityKind, normalised: str) -> list[str]:
        return rules.lookup_keys(self.customers.keyring, kind, normalised)

    def _known(self, tenant: str, channel: Channel, kind: IdentityKind, normalised: str) -> Suppression | None:
        found = (self.consent.suppressions.get(tenant, key, channel) for key in self._keys(kind, normalised))
        return next((suppression for suppression in found if suppression is not None), None)

    def _holder(self, tenant: str, kind: IdentityKind, normalised: str) -> str | None:
        try:
            return self.customers.find(tenant, kind, normalised).id
        except NotFound:
            return None
