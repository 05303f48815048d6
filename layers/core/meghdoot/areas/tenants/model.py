"""The tenant, its settings and its sender identities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from meghdoot.kernel.i18n import Language

# No separator of a key (`#`), no wildcard: one tenant's keys can never be read as another's.
TENANT_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A vendor's walled account. `id` equals `tenant`, so that a tenant is stored like any other record."""

    id: str
    name: str
    postal_address: str
    """Stands in the footer of every marketing mail (CAN-SPAM); a launch without one is refused."""
    privacy_url: str | None
    zone: str
    """IANA zone: the day of reports, and of customers who have no zone of their own."""
    currency: str
    """ISO 4217."""
    tracking_domain: str | None
    """Host of pixels, links and unsubscribe pages; None takes the deployment's own public URL."""
    attribution_days: int
    """A purchase within this many days after a click (else a delivery) is a conversion; day N is inside."""
    default_language: Language
    four_eyes: bool
    """With four eyes nobody approves a campaign of their own."""
    approval_required: bool
    daily_cap: int | None
    """Marketing messages a customer may get on one calendar day of their zone; None for no cap."""
    weekly_cap: int | None
    """The same within any rolling 7 days."""
    test_only: bool
    """A tenant of the local stack or a staging account: sends go only to reserved test domains."""
    created_at: datetime
    updated_at: datetime
    version: int = 1
    sending_weight: int = 1
    """The tenant's part of the granted rate where others want it too; only the operator of the deployment sets it."""

    @property
    def tenant(self) -> str:
        """The record's owner: itself."""
        return self.id


SenderStatus = Literal["pending", "verified", "failed"]


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """An address (or `@domain`) that a tenant may send from. `id` is the lower-cased address or domain."""

    tenant: str
    id: str
    display_name: str
    reply_to: str | None
    status: SenderStatus
    created_at: datetime
    updated_at: datetime
    version: int = 1
    ramp_started_on: date | None = None
    """The first day (UTC) of a plan of growing volumes for a domain that nobody knows yet; None for no plan."""
