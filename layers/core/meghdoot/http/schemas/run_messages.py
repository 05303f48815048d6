"""A message as it was sent."""

from __future__ import annotations

from base64 import b64encode
from typing import Literal

from pydantic import Field

from meghdoot.areas.messaging.sent_messages import SentMessage
from meghdoot.http.schemas.common import Answer, Instant


class RunMessageAnswer(Answer):
    """A run's message to one customer. The message holds the customer's own links: to open one is to act as the customer."""

    run_id: str
    customer_id: str
    state: str = Field(description="One of the states of people in a run.", examples=["delivered"])
    reason: str = Field(description="Why the person is in this state.", examples=["the_provider_said_delivered"])
    to: str | None
    sent_at: Instant | None = Field(description="To the second; null before the provider's first word.")
    provider: str | None
    provider_id: str | None
    hash: str | None = Field(
        description="The first 128 bits of SHA-256 over the message that left, in base64url, as its send row keeps it."
    )
    verified: Literal["true", "false", "unknown"] = Field(
        description="Whether the message written again has the hash of the one that left; unknown where that cannot be told."
    )
    words: str = Field(description="Why, in a sentence.")
    mime_base64: str | None = Field(description="The whole message (RFC 5322); null when none was or can be written.")

    @classmethod
    def of(cls, m: SentMessage) -> RunMessageAnswer:
        """From the service's answer."""
        return cls(
            run_id=m.run_id, customer_id=m.customer_id, state=m.state, reason=m.reason, to=m.to, sent_at=m.sent_at,
            provider=m.provider, provider_id=m.provider_id, hash=m.mail_hash, verified=m.verified, words=m.words,
            mime_base64=None if m.raw is None else b64encode(m.raw).decode(),
        )  # fmt: skip
