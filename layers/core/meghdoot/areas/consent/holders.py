"""Suppression of an address by somebody who knows no customer: whoever holds the address is closed too."""

from __future__ import annotations

from dataclasses import dataclass

from meghdoot.areas.consent.model import Channel, SuppressionReason
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.customers.model import IdentityKind
from meghdoot.areas.customers.ports import Customers

HELD_AS: dict[Channel, IdentityKind] = {"email": "email", "sms": "phone", "whatsapp": "phone"}


@dataclass(frozen=True, slots=True)
class HolderSuppression:
    """`messaging.ports.SuppressAddress` for what providers say. The sender reads gates, never the list of addresses."""

    customers: Customers
    consent: ConsentService

    def suppress(
        self,
        tenant: str,
        address_key: str,
        channel: Channel,
        reason: SuppressionReason,
        *,
        customer_id: str | None = None,
        evidence: str | None = None,
    ) -> bool:
        """Suppress as `ConsentService.suppress`. With no customer given, the present holder's channel is closed.

        The holder's consent stays as it was: nothing proves that this person has said anything.
        """
        is_new = self.consent.suppress(
            tenant, address_key, channel, reason, customer_id=customer_id, evidence=evidence
        )  # fmt: skip
        kind = HELD_AS.get(channel)
        holder = self.customers.find(tenant, kind, address_key) if kind and customer_id is None else None
        if holder is not None:
            self.consent.close_suppressed_channels(tenant, holder, {channel: address_key})
        return is_new
