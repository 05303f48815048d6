"""A single message, what it is made of, and the row that says how far it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from meghdoot.areas.consent.model import Channel, Purpose
from meghdoot.areas.messaging.model import RANKS, RunContent, State
from meghdoot.kernel.i18n import Language

SingleClass = Literal["default", "otp"]
"""otp: a code that somebody waits for. It is sent again at once when nobody knows, with the same content."""

NOBODY = "nobody-"
"""Begins the customer id of an address that no profile holds; the rest is a keyed digest of the address."""


@dataclass(frozen=True, slots=True)
class SingleRef:
    """Names a single message; the body of a message of the urgent queue."""

    tenant: str
    message_id: str


@dataclass(frozen=True, slots=True)
class SingleRequest:
    """What somebody asks to send. `key` makes it one message for ever, however often it is asked."""

    key: str
    template_id: str
    sender_email: str
    purpose: Purpose = "transactional"
    kind: SingleClass = "default"
    customer_id: str | None = None
    email: str | None = None
    template_version: int | None = None
    sender_name: str | None = None
    language: Language | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Composition:
    """All that messages of one template version from one sender share. Its id is a digest of it, so it never changes."""

    tenant: str
    id: str
    purpose: Purpose
    content: RunContent
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Single:
    """A message as it was taken: never changed afterwards. Address and fields are forgotten after a while."""

    tenant: str
    id: str
    fingerprint: str
    """Digest of the request: the same key with another request is refused."""
    composition_id: str
    template_id: str
    template_version: int
    customer_id: str
    channel: Channel
    purpose: Purpose
    kind: SingleClass
    language: Language
    created_at: datetime
    stale_after: datetime
    """A message that could not be sent by then is not sent any more."""
    daily_cap: int | None = None
    weekly_cap: int | None = None
    address: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> SingleRef:
        """Its name."""
        return SingleRef(self.tenant, self.id)

    @property
    def has_profile(self) -> bool:
        """Whether the address belonged to a customer when the message was taken."""
        return not self.customer_id.startswith(NOBODY)


@dataclass(frozen=True, slots=True)
class SingleRow:
    """How far a message got. Exists from the first attempt on; without one the message is pending.

    Only the holder of the token changes it, and only before acceptance; the provider's word raises it at any time.
    """

    state: State
    at: datetime
    token: str = ""
    attempt: int = 0
    """Number of the last call, from 1. Comes back in the provider's events."""
    doubts: int = 0
    """Calls of which nobody knows what became."""
    lease_until: int = 0
    """Until then the owner of the call may be alive. Seconds since 1970."""
    mailed_at: int = 0
    """When the mail of the last attempt was written: its Date header. Seconds since 1970."""
    mail_hash: str | None = None
    """Digest of that mail as it left the house."""
    key_id: str | None = None
    """The key that signed its links."""
    parked_at: int = 0
    """When the last call was found to be in doubt. Seconds since 1970."""
    not_before: int = 0
    """A definite no that may be tried again: not before this. Seconds since 1970."""
    settled: bool = False
    """Nothing more is tried; only the provider's word can change the state."""
    reason: str | None = None
    provider: str | None = None
    provider_id: str | None = None
    heard_attempt: int | None = None
    """Which attempt the provider spoke of."""

    @property
    def rank(self) -> int:
        """Its place in the one order of states."""
        return RANKS[self.state]

    @property
    def is_over(self) -> bool:
        """Whether no call will follow."""
        return self.settled or self.rank >= RANKS["accepted"]


@dataclass(frozen=True, slots=True)
class SingleView:
    """A message and where it stands."""

    single: Single
    row: SingleRow | None = None

    @property
    def state(self) -> State:
        """The state that is shown."""
        return "pending" if self.row is None else self.row.state
