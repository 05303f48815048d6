"""Consent, the contact gate, suppression, unsubscribes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from meghdoot.areas.consent.model import (
    Basis,
    Channel,
    ConsentEntry,
    ConsentState,
    ContactGate,
    Purpose,
    Suppression,
    SuppressionReason,
)
from meghdoot.http.schemas.common import Answer, Body, Email, Instant, Query, Ref

Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]


class ConsentBody(Body):
    """An act of consent, or its withdrawal."""

    channel: Channel
    purpose: Purpose = "marketing"
    state: ConsentState
    text_version: Word | None = Field(default=None, description="Which wording the person saw; a grant needs one.")
    basis: Basis = "consent"
    source: Word = "api"
    reason: Annotated[str, StringConstraints(max_length=255)] | None = None
    ip: Annotated[str, StringConstraints(max_length=45)] | None = Field(
        default=None, description="The person's, not the server's."
    )
    user_agent: Annotated[str, StringConstraints(max_length=512)] | None = None
    evidence: Annotated[str, StringConstraints(max_length=255)] | None = None


class ConsentAct(ConsentBody):
    """An act of consent of the customer with this id or identity."""

    customer_id: Ref | None = None
    external_id: Ref | None = None
    email: Annotated[str, StringConstraints(max_length=512)] | None = None


class ConsentBatchBody(Body):
    """Up to 200 acts: each is a transaction of its own."""

    acts: list[ConsentAct] = Field(min_length=1, max_length=200)


class ConsentRow(Answer):
    """What became of one act, in its order."""

    index: int
    result: Literal["created", "failed"]
    customer_id: str | None = None
    code: str | None = None
    field: str | None = None
    message: str | None = None


class ConsentBatchAnswer(Answer):
    """Totals and rows."""

    created: int
    failed: int
    results: list[ConsentRow]


class ConsentAnswer(Answer):
    """An entry of the ledger; `hash` chains it to the entry before."""

    customer_id: str
    channel: Channel
    purpose: Purpose
    sequence: int
    state: ConsentState
    text_version: str | None
    basis: Basis
    source: str
    at: Instant
    ip: str | None
    user_agent: str | None
    reason: str | None
    evidence: str | None
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, e: ConsentEntry) -> ConsentAnswer:
        """From the stored entry."""
        return cls(
            customer_id=e.customer_id, channel=e.channel, purpose=e.purpose, sequence=e.sequence, state=e.state,
            text_version=e.text_version, basis=e.basis, source=e.source, at=e.at, ip=e.ip, user_agent=e.user_agent,
            reason=e.reason, evidence=e.evidence, previous_hash=e.previous_hash, hash=e.hash,
        )  # fmt: skip


class ConsentList(Answer):
    """The ledger of one customer by channel, purpose and number."""

    entries: list[ConsentAnswer]
    after: str | None


class GateAnswer(Answer):
    """What may be sent to a customer now. Codes: `em:m` is e-mail for marketing."""

    customer_id: str
    granted: list[str]
    suppressed: list[str]
    timezone: str | None
    version: int

    @classmethod
    def of(cls, g: ContactGate) -> GateAnswer:
        """From the gate; counted keys stay inside."""
        return cls(
            customer_id=g.customer_id, granted=sorted(g.granted), suppressed=sorted(g.suppressed), timezone=g.zone,
            version=g.version,
        )  # fmt: skip


class SuppressionBody(Body):
    """An address that must not be contacted."""

    address: Annotated[str, StringConstraints(min_length=3, max_length=512)] = Field(examples=["gone@example.com"])
    channel: Channel = "email"
    reason: SuppressionReason = "manual"


class SuppressionQuery(Query):
    """One address."""

    address: Annotated[str, StringConstraints(min_length=3, max_length=512)]
    channel: Channel = "email"


class SuppressionAnswer(Answer):
    """A suppression; the address itself is not stored."""

    address_key: str
    channel: Channel
    reason: SuppressionReason
    at: Instant
    evidence: str | None

    @classmethod
    def of(cls, s: Suppression) -> SuppressionAnswer:
        """From the stored suppression."""
        return cls(address_key=s.address_key, channel=s.channel, reason=s.reason, at=s.at, evidence=s.evidence)


class UnsubscribeBody(Body):
    """An unsubscribe that reached the tenant by another way, such as a reply or a call."""

    email: Email
    reason: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        default=None, examples=["too_frequent"]
    )


class UnsubscribeAnswer(Answer):
    """Done."""

    unsubscribed: bool


class UnsubscribeRow(Answer):
    """One withdrawal."""

    customer_id: str
    channel: Channel
    purpose: Purpose
    reason: str | None
    source: str
    at: Instant

    @classmethod
    def of(cls, e: ConsentEntry) -> UnsubscribeRow:
        """From the entry that withdrew."""
        return cls(
            customer_id=e.customer_id, channel=e.channel, purpose=e.purpose, reason=e.reason, source=e.source, at=e.at
        )


class UnsubscribeList(Answer):
    """Withdrawals, newest first."""

    unsubscribes: list[UnsubscribeRow]
    after: str | None
