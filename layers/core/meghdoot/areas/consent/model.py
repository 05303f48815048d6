"""Consent as a ledger, the contact gate that holds its sum, and suppression by address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Channel = Literal["email", "sms", "push", "whatsapp"]
CHANNELS: tuple[Channel, ...] = ("email", "sms", "push", "whatsapp")
Purpose = Literal["marketing", "transactional"]
ConsentState = Literal["granted", "withdrawn", "pending"]
Basis = Literal["consent", "contract", "legitimate_interest", "soft_opt_in"]
SuppressionReason = Literal["hard_bounce", "complaint", "manual", "unsubscribed", "erased", "invalid_address"]

# Codes in the gate: two letters for the channel, one for the purpose.
CHANNEL_CODES: dict[Channel, str] = {"email": "em", "sms": "sm", "push": "pu", "whatsapp": "wa"}
PURPOSE_CODES: dict[Purpose, str] = {"marketing": "m", "transactional": "t"}


def gate_code(channel: Channel, purpose: Purpose) -> str:
    """`em:m` and the like: an element of the gate's set of grants."""
    return f"{CHANNEL_CODES[channel]}:{PURPOSE_CODES[purpose]}"


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One act of consent. Entries of a channel and purpose are numbered from 1 and chained by hash."""

    tenant: str
    customer_id: str
    channel: Channel
    purpose: Purpose
    sequence: int
    state: ConsentState
    text_version: str | None
    """Which wording the person saw."""
    basis: Basis
    source: str
    """Where it was given or withdrawn: `import`, `api`, `one_click`, `unsubscribe_page`, `complaint` ..."""
    at: datetime
    ip: str | None = None
    user_agent: str | None = None
    reason: str | None = None
    """Why withdrawn, as the person said it: `too_frequent` and the like."""
    evidence: str | None = None
    """A reference: the id of an event, of an import, of a send."""
    previous_hash: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class ContactGate:
    """The last word before a send: item `GATE`. Every writer raises `version`.

    `granted` holds codes such as `em:m`; `suppressed` channel codes such as `em` (suppression also removes the
    grants of that channel, so `granted` alone decides). `counted` is the text of counted keys, see messaging.
    """

    tenant: str
    customer_id: str
    version: int
    granted: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()
    zone: str | None = None
    counted: str = ""


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that must not be contacted on a channel. Outlives the profile; holds no address, only its key."""

    tenant: str
    address_key: str
    channel: Channel
    reason: SuppressionReason
    at: datetime
    evidence: str | None = None


WithdrawalKind = Literal["unsubscribe", "complaint", "hard_bounce", "erasure", "suppression"]
"""suppression: somebody of the vendor's staff closed the address, perhaps because its holder called."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A line of the write-once bucket: replayed after a restore before any sender runs."""

    tenant: str
    id: str
    kind: WithdrawalKind
    at: datetime
    channel: Channel
    purpose: Purpose
    customer_id: str | None = None
    address_key: str | None = None
