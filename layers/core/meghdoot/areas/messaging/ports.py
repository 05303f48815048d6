"""What messaging needs from the outside: the statements of the send protocol, and the provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from meghdoot.areas.consent.model import Channel, ContactGate, SuppressionReason
from meghdoot.areas.content.model import Context, PersonLinks
from meghdoot.areas.content.program import CompiledEmail
from meghdoot.areas.messaging.model import (
    Chunk,
    ChunkRef,
    ClaimRequest,
    ClaimResult,
    Demand,
    Envelope,
    Lease,
    OutboundEmail,
    Outcome,
    Recipient,
    Run,
    SendRow,
    State,
)
from meghdoot.areas.messaging.pacing_model import StallReason
from meghdoot.areas.messaging.touching import RunLinks as RunLinks
from meghdoot.areas.messaging.touching import Touches as Touches
from meghdoot.kernel.i18n import Language
from meghdoot.kernel.records import Records


class Runs(Records[Run], Protocol):
    """The stored runs."""


class LiveRuns(Protocol):
    """The runs of all tenants that may have something left: what the sweeper walks."""

    def add(self, tenant: str, run_id: str) -> None:
        """Note a run; repeating is fine."""
        ...

    def all(self) -> list[tuple[str, str]]:
        """(tenant, run) of every noted run."""
        ...

    def remove(self, tenant: str, run_id: str) -> None:
        """Forget a run; absent is fine."""
        ...


class Gates(Protocol):
    """The contact gates, as the sender uses them."""

    def read(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, ContactGate]:
        """Gates by customer, consistently, any number."""
        ...

    def claim(self, requests: Sequence[ClaimRequest]) -> list[ClaimResult]:
        """CLAIM: at most 25, one a gate; each has its own result, in order.

        Claimed only where the version is as expected and the code is still granted. A repeated batch recognises its
        own work: a gate whose version is `expected_version + 1` and whose `counted` is what we asked for was claimed.
        """
        ...


class Chunks(Protocol):
    """The chunk items."""

    def create(self, chunk: Chunk) -> bool:
        """Put if absent; False when it is already there (and untouched)."""
        ...

    def get(self, ref: ChunkRef) -> Chunk | None:
        """Read consistently."""
        ...

    def get_many(self, tenant: str, run_id: str, numbers: Iterable[int]) -> list[Chunk]:
        """Those that exist, in the order asked for."""
        ...

    def take(self, chunk: Chunk, token: str, lease_until: int) -> Chunk | None:
        """TAKE: become the owner where the stored token is still `chunk.token` and work is left.

        Answers the chunk as it stands now: until the take, the old owner could still write. None when somebody else was
        faster.
        """
        ...

    def mark(self, chunk: Chunk, lease_until: int) -> bool:
        """MARK: write letters, lease and `parked_at` where the stored token is still `chunk.token`. False: fenced off, stop.

        A lease of 0 gives the chunk back. What was given back is written no more: a repeated giving back is True and
        changes nothing, whatever the sweeper has lifted since.
        """
        ...

    def queued(self, chunk: Chunk, until: int) -> bool:
        """Sweeper: note that a message is on its way until then. False when the chunk is not as it was read."""
        ...

    def lift(self, ref: ChunkRef, expected_letters: str, letters: str) -> bool:
        """Sweeper: change letters where the chunk was given back (lease 0) and they are still as expected."""
        ...


class Audience(Protocol):
    """The frozen audience, one object a chunk."""

    def write(self, ref: ChunkRef, people: Sequence[Recipient]) -> None:
        """Store a chunk's people; writing the same again is fine."""
        ...

    def read(self, ref: ChunkRef) -> list[Recipient]:
        """A chunk's people in the order of their index. Raises NotFound, and Malformed for bytes that nobody here wrote."""
        ...

    def digest(self, ref: ChunkRef) -> str:
        """SHA-256 in hex over what is stored of a chunk's people. Raises NotFound."""
        ...


class ChunkQueue(Protocol):
    """Hints that a chunk wants work. Delivered at least once, in any order."""

    def put(self, refs: Sequence[ChunkRef], *, delay_seconds: int = 0) -> None:
        """Enqueue; entries that the service refuses are sent again until all are in. Raises Unavailable."""
        ...


class EmailProvider(Protocol):
    """Where a mail leaves the house. One call is one POST: the client never repeats."""

    name: str

    def send(self, mail: OutboundEmail) -> Outcome:
        """Hand over one mail. Never raises for what a provider can do: every failure is an Outcome."""
        ...


class Composer(Protocol):
    """One language of one run, with everything prepared that is the same for everybody."""

    def mail(self, to: str, fields: Context, personal: PersonLinks, *, message_id: str, date: datetime) -> bytes:
        """The whole message (RFC 5322) for one person: render, links and MIME in one pass.

        Raises Invalid: `render_error` for a missing variable (skip the person as `render_error`), `bad_address` for a
        `to` that cannot stand in a header (skip as `invalid_address`).
        """
        ...


class RunComposers(Protocol):
    """The composers of runs, kept while a process lives."""

    def of(self, run: Run, language: Language) -> Composer:
        """The composer of a run's language. Raises NotFound for a template version that is gone, Invalid for a broken one."""
        ...


class Composers(Protocol):
    """Makes composers."""

    def prepare(self, compiled: CompiledEmail, envelope: Envelope) -> Composer:
        """Once per run and language. Raises Invalid for headers that would break a message."""
        ...


class Pacer(Protocol):
    """Slices of the granted rate, shared by all senders of a provider's account."""

    def rate(self, provider: str, identity: str) -> float:
        """Calls a second that the provider grants."""
        ...

    def lease(self, demand: Demand, wanted: int, now: datetime) -> Lease:
        """Slots for at most `wanted` calls; none (why, and how long to wait before asking again) when there are none to be had.

        The instants are `Lease.slots`; a call that cannot begin within `rules.pacing.LATE_SECONDS` of its slot does not begin.
        """
        ...

    def used(self, demand: Demand, unused: int, call_seconds: float | None, now: datetime) -> None:
        """What became of a lease: calls that were not made after all, and how long one took on average (if any was made)."""
        ...

    def waits(self, demand: Demand, reason: StallReason, seconds: float, now: datetime) -> None:
        """The provider itself takes nothing for so long: leave a word for those who ask why the run stands still."""
        ...


class Pause(Protocol):
    """Sleeps between slices of the rate; virtual in tests."""

    def __call__(self, seconds: float, /) -> None: ...


class SuppressAddress(Protocol):
    """Closes an address for good; consent's service does it."""

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
        """Never contact an address on a channel again; a complaint of a known customer is a withdrawal too.

        Repeating is harmless; answers whether it was new.
        """
        ...


class AddressKeys(Protocol):
    """The keyed digest under which an address is known."""

    def __call__(self, tenant: str, address: str) -> str:
        """The key of an e-mail address in any spelling that a provider may use."""
        ...


class SendRows(Protocol):
    """The send rows."""

    def born(self, rows: Sequence[SendRow]) -> list[bool]:
        """BORN: insert each row once, in batches; the answer says, in order, whether it was new."""
        ...

    def climb(self, row: SendRow) -> bool:
        """CLIMB: raise the state of an existing row where its rank is lower. False when there was nothing to climb."""
        ...

    def get_many(self, tenant: str, keys: Sequence[tuple[str, str, str]]) -> dict[str, SendRow]:
        """Rows by send_key, for (customer, minute, send_key) triples."""
        ...


class RunCounters(Protocol):
    """Live sums of a run, kept by the stream reader."""

    def totals(self, tenant: str, run_id: str) -> Mapping[str, int]:
        """`delivered`, `bounced`, `complained`, `open`, `click`, `link:<n>`, `unsubscribe` and the like."""
        ...


class TouchTimes(Protocol):
    """When messages were first opened, clicked and unsubscribed from, for those who account for many at once."""

    def first_of(self, tenant: str, keys: Sequence[tuple[str, str]]) -> dict[str, dict[str, datetime]]:
        """Send key to kind to time, for (customer, send key) pairs; whoever touched nothing is left out."""
        ...


class Evidence(Protocol):
    """The watermark of the event pipeline: silence proves something only while others are heard."""

    def heard(self, provider: str, at: datetime) -> None:
        """An event about a message accepted at `at` has arrived."""
        ...

    def watermark(self, provider: str) -> datetime | None:
        """The newest acceptance about which anything was heard."""
        ...


ACCEPTED_STATES: tuple[State, ...] = ("accepted", "delivered", "bounced", "complained")
