"""What a single message needs next. Pure: the same for the function that sends, the sweeper and the API."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from meghdoot.areas.consent.model import Channel, Purpose
from meghdoot.areas.messaging.model import OutboundEmail, Outcome, SkipReason, State
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.areas.messaging.rules.waves import LEASE_MARGIN_SECONDS
from meghdoot.areas.messaging.singles.model import (
    NOBODY,
    Composition,
    Single,
    SingleClass,
    SingleRequest,
    SingleRow,
)
from meghdoot.kernel.ids import digest

OWNER = 0
"""The chunk number under which a single message stands in a contact gate: its key belongs to no chunk."""
FIRST_LOOK = timedelta(seconds=60)
"""When the sweeper first looks after a message whose queue message may be lost."""
LONGEST_BACKOFF_SECONDS = 900
_LOOK_AGAIN = (timedelta(minutes=1), timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Windows:
    """Settings: how long silence must last before it means something, by class."""

    marketing: timedelta = timedelta(hours=24)
    """Then a marketing message is `unknown` for good. It is never sent again."""
    transactional: timedelta = timedelta(minutes=15)
    """Then a transactional message is sent again, if the event pipeline is proven alive."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is promised for a class of messages."""

    resends: Literal["never", "after_silence", "at_once"]
    window: timedelta
    calls: int
    """Calls in doubt at most; after that the message is `unknown`."""
    stale: timedelta
    """How long a message is worth sending."""
    content_kept: timedelta
    """How long address and fields are stored."""


def policy(purpose: Purpose, kind: SingleClass, windows: Windows) -> Policy:
    """Marketing: at most once. Transactional: at least once, and again only where a double is the lesser harm."""
    if purpose == "marketing":
        return Policy("never", windows.marketing, 1, timedelta(days=3), timedelta(days=30))
    if kind == "otp":
        return Policy("at_once", windows.transactional, 3, timedelta(minutes=15), timedelta(days=1))
    return Policy("after_silence", windows.transactional, 3, timedelta(days=3), timedelta(days=30))


@dataclass(frozen=True, slots=True)
class Step:
    """call: nobody has, or it may be done again. park: the owner of a call vanished. settle: give up as `unknown`.

    stale: too late to be sent. wait: look again at `until`; `doubt` when it waits for proof that silence means something.
    done: nothing is left to do.
    """

    kind: Literal["call", "park", "settle", "stale", "wait", "done"]
    until: datetime | None = None
    doubt: bool = False


def next_step(single: Single, row: SingleRow | None, promise: Policy, now: datetime, heard: datetime | None) -> Step:
    """What to do about a message now. `heard` is the newest acceptance about which the provider said anything."""
    if row is not None and row.is_over:
        return Step("done")
    if row is None or row.state == "pending":
        return _pending(single, row, now)
    if row.state == "calling":
        return _called(row, promise, now)
    return _doubtful(single, row, promise, now, heard)


def _pending(single: Single, row: SingleRow | None, now: datetime) -> Step:
    if now >= single.stale_after:
        return Step("stale")
    if row is not None and row.not_before > now.timestamp():
        return Step("wait", _at(row.not_before))
    return Step("call")


def _called(row: SingleRow, promise: Policy, now: datetime) -> Step:
    if row.lease_until > now.timestamp():
        return Step("wait", _at(row.lease_until))
    return Step("park")


def _doubtful(single: Single, row: SingleRow, promise: Policy, now: datetime, heard: datetime | None) -> Step:
    if promise.resends == "at_once":
        exhausted = row.doubts >= promise.calls or now >= single.stale_after
        return Step("settle") if exhausted else Step("call")
    over = _at(row.parked_at) + promise.window
    if now < over:
        return Step("wait", over, doubt=True)
    if row.doubts >= promise.calls or now >= single.stale_after:
        return Step("settle")
    if not silence_means_something(row, promise, heard):
        return Step("wait", _look_again(row, now), doubt=True)
    return Step("call" if promise.resends == "after_silence" else "settle")


def may_have_left(single: Single, tables_since: datetime | None) -> bool:
    """Whether an offer that nobody seems to have called came from a backup: it may have been sent after that.

    Offers are sent at most once, so it is `unknown`. A receipt is sent: a double is the lesser harm.
    """
    return single.purpose == "marketing" and tables_since is not None and single.created_at < tables_since


def silence_means_something(row: SingleRow, promise: Policy, heard: datetime | None) -> bool:
    """Whether the pipeline of events is proven alive for as long as this message was waited for.

    The provider must have spoken of a message that it took after the whole window had passed. A message taken a little
    later than ours would prove too little: the pipeline may have broken down just after it, while our own event was
    still to come.
    """
    return heard is not None and heard >= _at(row.parked_at) + promise.window


def _look_again(row: SingleRow, now: datetime) -> datetime:
    shortest, longest = _LOOK_AGAIN
    return now + min(longest, max(shortest, (now - _at(row.parked_at)) / 4))


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# --- rows ------------------------------------------------------------------------------------------------


def begun(
    row: SingleRow | None, mail: OutboundEmail, token: str, now: datetime, remaining: float, provider: str
) -> SingleRow:
    """The row of a call that is about to be made."""
    last = row or SingleRow("pending", now)
    return replace(
        last,
        state="calling",
        at=now,
        token=token,
        attempt=last.attempt + 1,
        lease_until=int(now.timestamp() + max(0.0, remaining)) + LEASE_MARGIN_SECONDS,
        mailed_at=int(mail.tags["date"]),
        mail_hash=mail.tags["hash"],
        key_id=mail.tags.get("kid"),
        provider=provider,
        provider_id=None,
        reason=None,
    )


def parked(row: SingleRow, now: datetime, reason: str | None) -> SingleRow:
    """Nobody knows what became of the call."""
    seconds = int(now.timestamp())
    return replace(row, state="unknown", at=now, lease_until=0, parked_at=seconds, doubts=row.doubts + 1, reason=reason)


def not_called(row: SingleRow, now: datetime, delay: int) -> SingleRow:
    """The row of a call that was not made after all: as it was before, to be taken up after `delay` seconds."""
    not_before = int(now.timestamp()) + delay
    return replace(row, state="pending", at=now, attempt=row.attempt - 1, lease_until=0, not_before=not_before)


def over(row: SingleRow | None, state: State, reason: str | None, now: datetime) -> SingleRow:
    """The end by our own word. A message of which a call is in doubt may have arrived: that remains `unknown`."""
    last = row or SingleRow("pending", now)
    shown: State = "unknown" if last.doubts else state
    return replace(last, state=shown, at=now, lease_until=0, settled=True, reason=reason)


def after(row: SingleRow, outcome: Outcome, now: datetime, chance: float) -> SingleRow:
    """The row after a call. `chance` in [0, 1) spreads the next tries."""
    if outcome.kind == "accepted":
        return replace(row, state="accepted", at=now, lease_until=0, provider_id=outcome.provider_id)
    if outcome.kind == "ambiguous":
        return parked(row, now, outcome.code or "ambiguous")
    if outcome.kind in ("refused", "refused_address"):
        return over(row, "failed", outcome.code or outcome.kind, now)
    delay = backoff_seconds(row.attempt - row.doubts, chance, outcome.retry_after)
    not_before = int(now.timestamp() + delay) + 1
    return replace(row, state="pending", at=now, lease_until=0, not_before=not_before, reason=outcome.code)


def backoff_seconds(tries: int, chance: float, wanted: float | None = None) -> float:
    """Seconds until the next try after the n-th definite no, or what the provider asked for; never above 15 minutes."""
    full = min(float(LONGEST_BACKOFF_SECONDS), 2.0 ** min(tries, 12))
    return min(float(LONGEST_BACKOFF_SECONDS), max(wanted or 0.0, full / 2 + full / 2 * chance))


# --- identities ------------------------------------------------------------------------------------------


def message_id(tenant: str, key: str) -> str:
    """The id of the one message that a tenant's key stands for: 32 hex digits."""
    return digest("single", tenant, key)


def key_of(single: Single) -> str:
    """The send key: a function of the cause, which is the message itself."""
    return send_key(single.id, single.channel, single.customer_id)


def minute_of(single: Single) -> str:
    """The time part of the row's key."""
    return run_minute(single.created_at)


def fingerprint(wanted: SingleRequest) -> str:
    """A digest of a request without its key."""
    said = json.dumps(asdict(replace(wanted, key="")), sort_keys=True, ensure_ascii=False)
    return digest("single request", said, size=32)


def nobody(address_key: str) -> str:
    """A stand-in for the customer id of an address without a profile."""
    return NOBODY + digest("nobody", address_key)


def composition_id(composition: Composition) -> str:
    """The id that follows from all that is in a composition."""
    said = json.dumps(asdict(composition.content), sort_keys=True, ensure_ascii=False, default=list)
    return f"single-{digest('composition', composition.purpose, said)}"


def refusal(single: Single, *, has_gate: bool, suppressed: bool) -> SkipReason | None:
    """Why a transactional message is not sent whatever was agreed: the address is closed, or the person was erased."""
    if suppressed:
        return "suppressed"
    return "erased" if single.has_profile and not has_gate else None


CHANNELS_NOW: tuple[Channel, ...] = ("email",)
