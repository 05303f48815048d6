"""The tenant's settings and its senders."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from meghdoot.areas.tenants.model import SenderIdentity, SenderStatus, Tenant
from meghdoot.http.schemas.common import LEFT_OUT, Answer, Body, Currency, Email, Instant, Line, Text, Zone
from meghdoot.kernel.i18n import Language

_RAMP = (
    "First day (UTC) of a plan of growing volumes: 50 messages on it, then 100, 500, 1,000 and so on; null for no plan."
)


class TenantSettings(Body):
    """What changes; settings that are left out stay."""

    name: Line = LEFT_OUT
    postal_address: Text = Field(default=LEFT_OUT, description="Stands in the footer of every marketing mail.")
    privacy_url: Annotated[str, StringConstraints(max_length=2048)] | None = None
    timezone: Zone = LEFT_OUT
    currency: Currency = LEFT_OUT
    tracking_domain: Annotated[str, StringConstraints(max_length=253)] | None = None
    attribution_days: int = Field(default=LEFT_OUT, ge=1, le=90)
    default_language: Language = LEFT_OUT
    four_eyes: bool = Field(default=LEFT_OUT, description="Nobody approves a campaign of their own.")
    approval_required: bool = LEFT_OUT
    daily_cap: int | None = Field(default=None, ge=1, le=100, description="Null takes the cap away.")
    weekly_cap: int | None = Field(default=None, ge=1, le=500, description="Null takes the cap away.")


class TenantAnswer(Answer):
    """The tenant."""

    id: str
    name: str
    postal_address: str
    privacy_url: str | None
    timezone: str
    currency: str
    tracking_domain: str | None
    attribution_days: int
    default_language: Language
    four_eyes: bool
    approval_required: bool
    daily_cap: int | None
    weekly_cap: int | None
    test_only: bool
    sending_weight: int = Field(description="Part of the granted rate where tenants share one; set by the operator.")
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, t: Tenant) -> TenantAnswer:
        """From the stored tenant."""
        return cls(
            id=t.id, name=t.name, postal_address=t.postal_address, privacy_url=t.privacy_url, timezone=t.zone,
            currency=t.currency, tracking_domain=t.tracking_domain, attribution_days=t.attribution_days,
            default_language=t.default_language, four_eyes=t.four_eyes, approval_required=t.approval_required,
            daily_cap=t.daily_cap, weekly_cap=t.weekly_cap, test_only=t.test_only, created_at=t.created_at,
            updated_at=t.updated_at, version=t.version, sending_weight=t.sending_weight,
        )  # fmt: skip


class SenderBody(Body):
    """A sender to be verified."""

    sender_email: Email = Field(description="An address, or `@domain` by its domain alone is not taken here.")
    display_name: Line
    reply_to: Email | None = None
    ramp_started_on: date | None = Field(default=None, description=_RAMP)


class SenderChange(Body):
    """What changes of a sender."""

    ramp_started_on: date | None = Field(description=_RAMP + " Runs that were launched keep theirs.")


class SenderAnswer(Answer):
    """A sender; `id` is its address."""

    id: str
    sender_email: str
    display_name: str
    reply_to: str | None
    status: SenderStatus
    ramp_started_on: date | None = Field(description=_RAMP)
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, s: SenderIdentity) -> SenderAnswer:
        """From the stored sender."""
        return cls(
            id=s.id, sender_email=s.id, display_name=s.display_name, reply_to=s.reply_to, status=s.status,
            created_at=s.created_at, updated_at=s.updated_at, version=s.version, ramp_started_on=s.ramp_started_on,
        )  # fmt: skip


class SenderList(Answer):
    """All senders."""

    senders: list[SenderAnswer]
