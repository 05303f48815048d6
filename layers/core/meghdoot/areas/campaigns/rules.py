"""Decisions about campaigns: what may be written, who may approve, when a launch may be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, get_args

from meghdoot.areas.access.model import Principal
from meghdoot.areas.campaigns import fields
from meghdoot.areas.campaigns.fields import Problem, Surroundings, refuse
from meghdoot.areas.campaigns.model import (
    Cadence,
    Campaign,
    CampaignChannel,
    CampaignObjective,
    CampaignType,
    EmailCampaign,
    Kind,
    SendType,
)
from meghdoot.areas.tenants.model import Tenant
from meghdoot.kernel.errors import FieldError, Forbidden, Invalid
from meghdoot.kernel.money import ratio

FURTHEST_AHEAD = timedelta(days=366)
LATEST_START = timedelta(hours=24)
"""A launch that was due longer ago is not made up for: its moment has passed."""

MOST_A_DAY = 100_000_000
"""A limit above this limits nothing."""

# The store's document calls the channel a type. Purpose and objective take the nearest of ours.
_STORE_TYPES: dict[str, tuple[CampaignChannel, CampaignType, CampaignObjective]] = {
    "email": ("email", "awareness", "engagement"),
    "sms": ("sms", "awareness", "engagement"),
    "social": ("social_media", "awareness", "brand_awareness"),
    "discount": ("discount", "conversion", "sales"),
}

# One `@`, no spaces, a domain with a dot; what the provider will verify is the identity itself.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def _address(value: Any, _around: Surroundings) -> str:
    if not isinstance(value, str) or len(value) > 254 or not _ADDRESS.fullmatch(value.strip()):
        raise Problem("bad_address", "must be one e-mail address")
    return value.strip().lower()


_ID = fields.text(64)

CAMPAIGN_FIELDS: Mapping[str, fields.Cleaner] = {
    "campaign_name": fields.text(255),
    "campaign_name_bn": fields.optional(fields.text(255)),
    "description": fields.optional(fields.text(5000, one_line=False)),
    "campaign_type": fields.one_of(get_args(CampaignType)),
    "campaign_objective": fields.one_of(get_args(CampaignObjective)),
    "cadence": fields.one_of(get_args(Cadence)),
    "kind": fields.one_of(get_args(Kind)),
    "channels": fields.list_of(fields.one_of(get_args(CampaignChannel)), 11),
    "currency": fields.currency,
    "budget": fields.optional(fields.amount),
    "spent_amount": fields.optional(fields.amount),
    "start_date": fields.optional(fields.instant),
    "end_date": fields.optional(fields.instant),
    "target_audience": fields.document,
    "content_settings": fields.document,
    "automation_rules": fields.document,
    "performance_goals": fields.document,
}
AMENDABLE = frozenset(
    {"campaign_name", "campaign_name_bn", "description", "budget", "spent_amount", "end_date", "performance_goals"}
)
"""What a running campaign still lets change: nothing of it reaches a message."""

EMAIL_FIELDS: Mapping[str, fields.Cleaner] = {
    "campaign_name": fields.text(255),
    "subject_line": fields.text(255),
    "subject_line_bn": fields.optional(fields.text(255)),
    "sender_name": fields.text(100),
    "sender_email": _address,
    "template_id": _ID,
    "content": fields.document,
    "content_bn": fields.document,
    "send_type": fields.one_of(get_args(SendType)),
    "scheduled_time": fields.optional(fields.instant),
    "timezone": fields.zone,
    "target_segments": fields.list_of(_ID, 50),
    "marketing_campaign_id": fields.optional(_ID),
    "hourly_limit": fields.optional(fields.whole(1, MOST_A_DAY)),
    "daily_limit": fields.optional(fields.whole(1, MOST_A_DAY)),
}
_REQUIRED = ("campaign_name", "campaign_type", "campaign_objective", "channels")
_REQUIRED_EMAIL = ("campaign_name", "subject_line", "sender_name", "sender_email", "template_id")


def with_store_type(data: Mapping[str, Any]) -> dict[str, Any]:
    """Read the store document's `campaign_type` (email, sms, social, discount) as a channel; others pass unchanged."""
    plain = dict(data)
    alias = plain.get("campaign_type")
    if not isinstance(alias, str) or alias not in _STORE_TYPES:
        return plain
    channel, purpose, objective = _STORE_TYPES[alias]
    channels = plain.get("channels") or []
    if isinstance(channels, (list, tuple)):
        plain["channels"] = [*channels, *([] if channel in channels else [channel])]
    plain["campaign_type"] = purpose
    plain.setdefault("campaign_objective", objective)
    return plain


def clean_campaign(data: Mapping[str, Any], currency: str, zone: str, *, new: bool) -> dict[str, Any]:
    """The given fields, cleaned. Raises Invalid naming each wrong, missing or unknown one."""
    plain = with_store_type(data)
    chosen = plain.get("currency")
    around = Surroundings(chosen if isinstance(chosen, str) else currency, zone)
    if new:
        _need(plain, _REQUIRED)
    return fields.clean(plain, CAMPAIGN_FIELDS, around)


def clean_email(data: Mapping[str, Any], zone: str, *, new: bool) -> dict[str, Any]:
    """The same for an e-mail campaign; a `scheduled_time` without an offset is local to `timezone`."""
    named = data.get("timezone")
    around = Surroundings("BDT", fields.zone(named, Surroundings("BDT", zone)) if _is_zone(named) else zone)
    if new:
        _need(data, _REQUIRED_EMAIL)
    return fields.clean(data, EMAIL_FIELDS, around)


def _is_zone(value: Any) -> bool:
    try:
        fields.zone(value, Surroundings("BDT", "UTC"))
    except Problem:
        return False
    return True


def _need(data: Mapping[str, Any], names: tuple[str, ...]) -> None:
    refuse([FieldError(name, "required", "is required") for name in names if data.get(name) is None])


def check_campaign(campaign: Campaign) -> None:
    """What only the whole shows. Raises Invalid when the end is not after the start, or amounts have another currency."""
    errors = []
    if campaign.start_date and campaign.end_date and campaign.end_date <= campaign.start_date:
        errors.append(FieldError("end_date", "end_before_start", "must be after start_date"))
    for name, money in (("budget", campaign.budget), ("spent_amount", campaign.spent_amount)):
        if money is not None and money.currency != campaign.currency:
            errors.append(FieldError(name, "wrong_currency", f"must be in {campaign.currency}"))
    refuse(errors)


def check_email(email: EmailCampaign, now: datetime) -> None:
    """Raises Invalid when a scheduled e-mail has no time, or one that cannot be."""
    if email.send_type == "scheduled":
        check_schedule(email.scheduled_time, now)


def check_schedule(at: datetime | None, now: datetime) -> datetime:
    """The instant itself. Raises Invalid for none, one that is not in the future, or one over a year ahead."""
    if at is None:
        raise Invalid.field("scheduled_time", "required", "is required when send_type is scheduled")
    if at <= now:
        raise Invalid.field("scheduled_time", "in_the_past", "must be in the future; launch to send now")
    if at > now + FURTHEST_AHEAD:
        raise Invalid.field("scheduled_time", "too_far_ahead", "must be within a year")
    return at


def is_amendment(changes: Mapping[str, Any]) -> bool:
    """Whether only such fields change as a running campaign allows."""
    return set(changes) <= AMENDABLE


T = TypeVar("T", Campaign, EmailCampaign)


def touched(thing: T, now: datetime, **changes: Any) -> T:
    """The next version, changed at `now`."""
    return replace(thing, **changes, updated_at=now, version=thing.version + 1)


def approved(thing: T, principal: Principal, four_eyes: bool, now: datetime) -> T:
    """The next version, approved. Raises Forbidden (`four_eyes`) for whoever made or last edited it, when that matters."""
    if four_eyes and principal.actor in (thing.created_by, thing.updated_by):
        raise Forbidden(
            "with four eyes nobody approves their own campaign", code="four_eyes", hint="ask another approver"
        )
    extra: dict[str, Any] = {"approved_version": thing.version} if isinstance(thing, Campaign) else {}
    return touched(thing, now, approved_by=principal.actor, approved_at=now, **extra)


def unapproved(thing: T) -> dict[str, Any]:
    """The changes by which an edit takes an approval back."""
    extra: dict[str, Any] = {"approved_version": None} if isinstance(thing, Campaign) else {}
    return {"approved_by": None, "approved_at": None, **extra}


def check_approved(thing: Campaign | EmailCampaign, tenant: Tenant) -> None:
    """Raises Forbidden (`approval_missing`) when the tenant asks for an approval and there is none."""
    if tenant.approval_required and thing.approved_by is None:
        raise Forbidden("this campaign is not approved", code="approval_missing", hint="ask an approver to approve it")


def clean_addresses(field: str, addresses: Sequence[str]) -> tuple[str, ...]:
    """Distinct e-mail addresses. Raises Invalid that names each wrong one by its place."""
    around = Surroundings("BDT", "UTC")
    named = {f"{field}.{n}": address for n, address in enumerate(addresses)}
    return tuple(dict.fromkeys(fields.clean(named, dict.fromkeys(named, _address), around).values()))


def return_on_investment(revenue_minor: int, spend_minor: int) -> float | None:
    """(revenue - spend) / spend with 4 places, half up; None when nothing was spent."""
    return None if spend_minor == 0 else ratio(revenue_minor - spend_minor, spend_minor)
