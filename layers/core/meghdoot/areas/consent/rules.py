"""What follows from an act of consent: its place in the chain, what it does to the gate, and what must be kept for ever."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from hashlib import blake2b
from typing import Literal, get_args

from meghdoot.areas.consent.model import (
    CHANNELS,
    Basis,
    Channel,
    ConsentEntry,
    ConsentState,
    ContactGate,
    Purpose,
    Suppression,
    SuppressionReason,
    Withdrawal,
    WithdrawalKind,
    gate_code,
)
from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import FieldError, Invalid
from meghdoot.kernel.i18n import has_forbidden_characters
from meghdoot.kernel.ids import digest

UnsubscribeReason = Literal["too_frequent", "not_relevant", "never_subscribed", "privacy", "other"]
UNSUBSCRIBE_REASONS: tuple[UnsubscribeReason, ...] = get_args(UnsubscribeReason)

# A repeat from one of these is the same act again: a mailbox provider's retry, a reloaded page, a redelivered event.
_REPEATING_SOURCES = ("one_click", "unsubscribe_page", "complaint")

_LIMITS = {"text_version": 200, "source": 100, "ip": 64, "user_agent": 512, "reason": 500, "evidence": 500}

_KEPT: dict[SuppressionReason, WithdrawalKind] = {
    "complaint": "complaint",
    "hard_bounce": "hard_bounce",
    "unsubscribed": "unsubscribe",
    "erased": "erasure",
    "manual": "suppression",
}


def entry_hash(entry: ConsentEntry) -> str:
    """blake2b over the entry as canonical JSON, in which the hash of the entry before stands."""
    fields = asdict(entry) | {"at": iso(entry.at)}
    del fields["hash"]
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return blake2b(canonical.encode(), digest_size=32).hexdigest()


def next_entry(head: ConsentEntry | None, draft: ConsentEntry) -> ConsentEntry:
    """The draft with its number and its link to the head. Instants are kept to the millisecond, as they are stored."""
    entry = replace(
        draft,
        sequence=head.sequence + 1 if head else 1,
        previous_hash=head.hash if head else "",
        at=to_millisecond(draft.at),
        hash="",
    )
    return replace(entry, hash=entry_hash(entry))


def verify_chain(entries: Sequence[ConsentEntry]) -> bool:
    """Whether the entries of one channel and purpose, oldest first, are whole: none changed, missing or moved."""
    previous = ""
    for number, entry in enumerate(entries, start=1):
        if entry.sequence != number or entry.previous_hash != previous or entry.hash != entry_hash(entry):
            return False
        previous = entry.hash
    return True


def is_grant(state: ConsentState) -> bool:
    """Whether a state opens the gate. A pending one (double opt-in) does not."""
    return state == "granted"


def is_repeat(head: ConsentEntry | None, draft: ConsentEntry) -> bool:
    """Whether a withdrawal says again what the head says, so that it needs no entry of its own."""
    says_the_same = head is not None and draft.state == "withdrawn" and draft.reason in (None, head.reason)
    return says_the_same and head is not None and is_closed_by(head, draft.source)


def is_closed_by(head: ConsentEntry, source: str) -> bool:
    """Whether the head is a withdrawal by this source, one of those that tell the same act again."""
    return head.state == "withdrawn" and head.source == source and source in _REPEATING_SOURCES


def gate_after(gate: ContactGate, channel: Channel, purpose: Purpose, state: ConsentState) -> ContactGate:
    """The gate after an entry: a grant enters unless the channel is suppressed; anything else leaves. Version up by one."""
    code = gate_code(channel, purpose)
    opens = is_grant(state) and code[:2] not in gate.suppressed
    granted = gate.granted | {code} if opens else gate.granted - {code}
    return replace(gate, granted=granted, version=gate.version + 1)


def gate_suppressed(gate: ContactGate, channel: Channel) -> ContactGate:
    """The gate with a channel suppressed: it stands in `suppressed`, and no grant of it is left."""
    codes = channel_codes(channel)
    return replace(
        gate,
        suppressed=gate.suppressed | {codes[0][:2]},
        granted=gate.granted - set(codes),
        version=gate.version + 1,
    )


def gate_lifted(gate: ContactGate, channel: Channel) -> ContactGate:
    """The gate without the suppression of a channel. Grants come back only by new consent."""
    return replace(gate, suppressed=gate.suppressed - {channel_codes(channel)[0][:2]}, version=gate.version + 1)


def channel_codes(channel: Channel) -> tuple[str, str]:
    """The codes of a channel's grants, marketing first."""
    return gate_code(channel, "marketing"), gate_code(channel, "transactional")


def granted_channels(gate: ContactGate) -> tuple[Channel, ...]:
    """Channels on which the person takes marketing now."""
    return tuple(channel for channel in CHANNELS if gate_code(channel, "marketing") in gate.granted)


def check(entry: ConsentEntry) -> None:
    """Raises Invalid, naming every wrong field: unknown words, missing proof of a grant, texts that are too long."""
    wrong = [*_unknown_words(entry), *_missing_proof(entry), *_bad_texts(entry)]
    if wrong:
        names = ", ".join(error.field for error in wrong)
        raise Invalid(f"this act of consent is not complete: {names}", fields=tuple(wrong))


def _unknown_words(entry: ConsentEntry) -> list[FieldError]:
    words = {
        "channel": CHANNELS,
        "purpose": get_args(Purpose),
        "state": get_args(ConsentState),
        "basis": get_args(Basis),
    }
    return [
        FieldError(field, "unknown_value", f"one of {', '.join(known)}")
        for field, known in words.items()
        if getattr(entry, field) not in known
    ]


def _missing_proof(entry: ConsentEntry) -> list[FieldError]:
    needed = ["source", "text_version"] if is_grant(entry.state) else ["source"]
    return [
        FieldError(field, "required", "says where, and to which wording, the person agreed")
        for field in needed
        if not (getattr(entry, field) or "").strip()
    ]


def _bad_texts(entry: ConsentEntry) -> list[FieldError]:
    texts = {field: getattr(entry, field) or "" for field in _LIMITS}
    long = [
        FieldError(f, "too_long", f"at most {_LIMITS[f]} characters") for f, t in texts.items() if len(t) > _LIMITS[f]
    ]
    odd = [
        FieldError(f, "bad_characters", "holds control characters")
        for f, t in texts.items()
        if has_forbidden_characters(t)
    ]
    return long + odd


def withdrawal_of_entry(entry: ConsentEntry) -> Withdrawal:
    """The line that an entry leaves in the write-once bucket. The same entry gives the same id."""
    return Withdrawal(
        tenant=entry.tenant,
        # With its time: after a restore the ledger gives a number a second time.
        id=digest(
            "entry", entry.tenant, entry.customer_id, entry.channel, entry.purpose, str(entry.sequence), iso(entry.at)
        ),
        kind="complaint" if entry.source == "complaint" else "unsubscribe",
        at=entry.at,
        channel=entry.channel,
        purpose=entry.purpose,
        customer_id=entry.customer_id,
    )


def withdrawal_of_suppression(suppression: Suppression, customer_id: str | None, occasion: str) -> Withdrawal | None:
    """The line that a suppression leaves, or None when only the provider knew the address for none. Same occasion, same id."""
    kind = _KEPT.get(suppression.reason)
    if kind is None:
        return None
    return Withdrawal(
        tenant=suppression.tenant,
        id=digest("address", suppression.tenant, suppression.address_key, suppression.channel, kind, occasion),
        kind=kind,
        at=suppression.at,
        channel=suppression.channel,
        purpose="marketing",
        customer_id=customer_id,
        address_key=suppression.address_key,
    )


def withdrawal_of_erasure(tenant: str, customer_id: str, at: datetime) -> Withdrawal:
    """The line that the erasure of a person leaves: without an address key it means all channels of that person."""
    return Withdrawal(
        tenant=tenant,
        id=digest("erasure", tenant, customer_id),
        kind="erasure",
        at=to_millisecond(at),
        channel="email",
        purpose="marketing",
        customer_id=customer_id,
    )


def to_millisecond(at: datetime) -> datetime:
    """An instant as it is stored."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
