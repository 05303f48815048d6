"""Runs, chunks with their letters, waves, outcomes and send rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from meghdoot.areas.consent.model import Channel, Purpose
from meghdoot.areas.content.model import Footer, Link
from meghdoot.areas.messaging.touching import Touch as Touch
from meghdoot.areas.messaging.touching import TouchKind as TouchKind
from meghdoot.kernel.i18n import Language

CHUNK_SIZE = 500
WAVE_SIZE = 25
SLICE_STRIDE = 100_000

# --- letters: the state of one person in a chunk -------------------------------------------------
PENDING, CALLING, ACCEPTED, FAILED, PARKED, UNKNOWN, CANCELLED = ".", "c", "a", "f", "u", "U", "x"

SkipReason = Literal[
    "no_consent", "suppressed", "capped", "quiet_expired", "holdout", "left_segment", "no_address", "invalid_address",
    "duplicate", "budget", "render_error", "country_rule", "sunset", "erased", "stale",
]  # fmt: skip

SKIP_LETTERS: dict[SkipReason, str] = {
    "no_consent": "n", "suppressed": "s", "capped": "p", "quiet_expired": "q", "holdout": "h", "left_segment": "l",
    "no_address": "d", "invalid_address": "i", "duplicate": "D", "budget": "b", "render_error": "r",
    "country_rule": "y", "sunset": "t", "erased": "e", "stale": "w",
}  # fmt: skip
LETTER_SKIPS: dict[str, SkipReason] = {letter: reason for reason, letter in SKIP_LETTERS.items()}

# --- states: one total order, the state of a send is the maximum of its facts ------------------------
State = Literal[
    "pending", "calling", "unknown", "accepted", "delivered", "bounced", "complained", "failed", "cancelled", "skipped"
]
RANKS: dict[str, int] = {
    "pending": 0, "calling": 1, "unknown": 2, "accepted": 3, "delivered": 4, "bounced": 5, "complained": 6,
    "failed": 2, "cancelled": 2, "skipped": 2,
}  # fmt: skip
"""Only the row of a single message can be failed, cancelled or skipped; the provider's own word stands above it too."""

RunStatus = Literal["planning", "sending", "paused", "done", "cancelled"]


@dataclass(frozen=True, slots=True)
class RunContent:
    """All that a run sends, pinned when it was launched: later edits of anything change nothing here."""

    template_id: str
    template_version: int
    subject_line: str
    subject_line_bn: str | None
    sender_name: str
    sender_email: str
    reply_to: str | None
    languages: tuple[Language, ...]
    default_language: Language
    footer: Footer
    public_url: str
    """Base of pixels, links and unsubscribe pages, without a slash at the end."""
    content: Mapping[str, Any] = field(default_factory=dict)
    """The campaign's own values: headline, cta_text, cta_link ..."""
    content_bn: Mapping[str, Any] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    utm: Mapping[str, str] = field(default_factory=dict)
    tracking_url: str = ""
    """Base of pixels and links where they have one of their own; empty where they stand beside the unsubscribe page."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run may go, as it was when it was launched; see the fields of the same names in `Run`."""

    hourly_limit: int | None = None
    daily_limit: int | None = None
    tenant_weight: int = 1
    ramp_identity: str | None = None
    ramp_started_on: date | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One occasion of sending: a campaign's e-mail to an audience frozen at its start."""

    tenant: str
    id: str
    campaign_id: str | None
    email_campaign_id: str
    channel: Channel
    purpose: Purpose
    status: RunStatus
    segment_ids: tuple[str, ...]
    content: RunContent
    started_at: datetime
    """Also the time part of every send row's key, so that a row can be found from run and customer alone."""
    created_at: datetime
    updated_at: datetime
    stale_after: datetime
    """The dedupe horizon: a chunk met later than this is refused as `stale`."""
    attribution_days: int
    criteria: tuple[Mapping[str, Any], ...] = ()
    """The segments' criteria as they were at the start; whoever meets any of them is addressed."""
    daily_cap: int | None = None
    weekly_cap: int | None = None
    hourly_limit: int | None = None
    """Messages that the whole run may send within one clock hour; None for no limit."""
    daily_limit: int | None = None
    """The same within one UTC day."""
    weight: int = 1
    """The run's part of its tenant's part of the granted rate."""
    tenant_weight: int = 1
    """The tenant's part of the granted rate, as it was at the start."""
    ramp_identity: str | None = None
    """The sender identity that was still growing its volume at the start."""
    ramp_started_on: date | None = None
    slices: int = 1
    planned_slices: int = 0
    audience: int = 0
    """People planned so far; final once `planned_slices == slices`."""
    chunks: int = 0
    """Chunks planned so far, over all slices."""
    slice_chunks: Mapping[str, int] = field(default_factory=dict)
    """Slice to how many chunks it has; chunk n of slice s has the number `s * SLICE_STRIDE + n`."""
    pause_reason: str | None = None
    finished_at: datetime | None = None
    root: str | None = None
    """The Merkle root of all chunks, kept write-once too; set when the run is over and every letter is final."""
    version: int = 1

    @property
    def chunk_numbers(self) -> list[int]:
        """Numbers of all chunks planned so far, in order."""
        return [n for slice_ in sorted(int(name) for name in self.slice_chunks) for n in self.numbers_of(slice_)]

    def numbers_of(self, slice_: int) -> range:
        """Numbers of the chunks of one slice, in order."""
        begin = slice_ * SLICE_STRIDE
        return range(begin, begin + self.slice_chunks.get(str(slice_), 0))


@dataclass(frozen=True, slots=True)
class Recipient:
    """A line of an audience file. `skip` is set when planning already excluded the person."""

    index: int
    customer_id: str
    address: str | None
    language: Language
    zone: str | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    skip: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """Names a chunk; the body of a queue message."""

    tenant: str
    run_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """The ledger of up to 500 people: an owner with a lease, and one letter a person."""

    tenant: str
    run_id: str
    number: int
    letters: str
    token: str = ""
    """The owner's; empty when nobody has it. The fence: a marker with an old token is refused."""
    lease_until: int = 0
    """Seconds since 1970."""
    parked_at: int = 0
    """When a letter last became `u`: the window of `unknown` counts from here. Seconds since 1970."""
    queued_until: int = 0
    """Until then a message of the queue is taken to be on its way, and nobody adds another. Seconds since 1970."""
    expires_at: int = 0
    """When the item may be forgotten, in seconds since 1970; 0 for never."""

    @property
    def ref(self) -> ChunkRef:
        """Its name."""
        return ChunkRef(self.tenant, self.run_id, self.number)

    @property
    def work_left(self) -> bool:
        """Whether anybody is undecided or was being called when the owner vanished."""
        return PENDING in self.letters or CALLING in self.letters


OutcomeKind = Literal["accepted", "retry", "wait_quota", "refused", "refused_address", "stop", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call to a provider came to.

    accepted: taken. retry, wait_quota: a definite no that may be tried later (goes back to pending).
    refused: this message never works. refused_address: the address never works (suppress).
    stop: the account or configuration is at fault (pause the run, nobody fails).
    ambiguous: nobody can know (timeout, reset, 5xx): marketing never calls again.
    """

    kind: OutcomeKind
    provider_id: str | None = None
    code: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """Who asks for slots of the granted rate."""

    provider: str
    identity: str
    """Whose rate it is: the provider's account, unless an identity of its own has one."""
    tenant: str
    run_id: str | None = None
    """None for single messages."""
    urgent: bool = False
    """Transactional: never waits behind bulk."""
    weight: int = 1
    """The run's part of its tenant's part."""
    hourly_limit: int | None = None
    daily_limit: int | None = None
    tenant_weight: int = 1
    """The tenant's part of the granted rate."""
    left: int = 0
    """People whom the asking turn may still call, `wanted` among them; 0 when it does not know."""
    yields: bool = False
    """The turn has sent for a while: it would rather make room than keep a tenant waiting for whom nobody works."""
    ramp_identity: str | None = None
    """The sender identity whose plan of growing volumes binds; None for none."""
    ramp_started_on: date | None = None


LeaseReason = Literal["rate", "quota", "hourly_limit", "daily_limit", "ramp", "share"]


@dataclass(frozen=True, slots=True)
class Lease:
    """Slots of the granted rate: the first call may start after `wait` seconds.

    With a count of 0, `wait` is when to ask again and `reason` says what there is to wait for.
    """

    count: int
    wait: float = 0.0
    spacing: float = 0.0
    """From one slot of the account to the next, whoever holds them (seconds)."""
    reason: LeaseReason | None = None
    slots: tuple[float, ...] = ()
    """When each call may start, in seconds after the instant of asking. A slot that has passed is lost, not late."""
    crowded: bool = False
    """A tenant waits for whom nobody works: hand the chunk back. Only to a demand that yields, and then without slots."""


@dataclass(frozen=True, slots=True)
class OutboundEmail:
    """One mail to one person, ready for any provider. Header values hold no CR or LF."""

    sender_name: str
    sender_email: str
    to: str
    reply_to: str | None
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    """List-Unsubscribe and List-Unsubscribe-Post for marketing."""
    tags: Mapping[str, str]
    """Come back in the provider's events: tenant, run, chunk, index, customer, key. ASCII letters, digits, `_`, `-`."""
    message_id: str
    """The local part of our Message-ID."""
    date: datetime | None = None
    """The Date header; without one the provider writes it."""
    raw: bytes | None = None
    """The whole message when a Composer wrote it; `subject`, `html` and `text` may then be empty."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The headers of a run that are the same for everybody."""

    sender_name: str
    sender_email: str
    reply_to: str | None
    one_click: bool
    """Marketing: List-Unsubscribe with the person's `unsubscribe_url`, and List-Unsubscribe-Post (RFC 8058)."""


FactType = Literal["delivered", "bounced", "complained", "rejected", "deferred", "accepted"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A provider's word about one message, in our terms. Facts come in any order, any number of times."""

    provider: str
    type: FactType
    at: datetime
    dedupe_key: str
    accepted_at: datetime | None = None
    """When the provider took the message, which is what the watermark of evidence counts."""
    subtype: str | None = None
    """bounced: `hard` or `soft`; complained: the feedback type."""
    reason: str | None = None
    provider_id: str | None = None
    tenant: str | None = None
    run_id: str | None = None
    chunk: int | None = None
    index: int | None = None
    customer_id: str | None = None
    send_key: str | None = None
    minute: str | None = None
    mail_hash: str | None = None
    mailed_at: int | None = None
    key_id: str | None = None
    address: str | None = None
    """The recipient as the provider wrote it; used for its key, never stored or logged."""
    source_identity: str | None = None
    """The sending address: finds the tenant of a notification without tags."""
    message_id: str | None = None
    """A single message's own id; it has no chunk and no index."""
    attempt: int | None = None
    """Which of a single message's calls this is about."""


@dataclass(frozen=True, slots=True)
class SendRow:
    """A message to a person, born from the provider's first word; only climbs."""

    tenant: str
    customer_id: str
    send_key: str
    minute: str
    """Minute of the run's start as `YYYYMMDDHHMM` in UTC."""
    state: State
    run_id: str
    """Of a single message: its composition."""
    chunk: int | None
    """None, as `index`, for a single message."""
    index: int | None
    at: datetime
    provider: str
    provider_id: str | None = None
    reason: str | None = None
    message_id: str | None = None
    """A single message's own id."""
    attempt: int | None = None
    """Which of a single message's calls the provider spoke of."""
    mail_hash: str | None = None
    """Digest of the message as it left the house (`rules.proof.mail_hash`); absent from rows of earlier versions."""
    mailed_at: int | None = None
    """When it was written, in seconds since 1970: its Date header, and the second of issue of its links."""
    key_id: str | None = None
    """The key that signed its links."""


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A version-checked update of one gate: count the key, and hold consent at the last moment."""

    tenant: str
    customer_id: str
    expected_version: int
    code: str
    """`em:m`; must still be granted."""
    counted: str
    """The gate's new `k`; unchanged for a touch."""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """`claimed`, or the gate as it stands now (None when it is gone), to decide again without another read."""

    claimed: bool
    gate: Any = None
