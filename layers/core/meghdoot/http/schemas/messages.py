"""One message to one person."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from meghdoot.areas.consent.model import Channel, Purpose
from meghdoot.areas.messaging.model import State
from meghdoot.areas.messaging.singles.model import SingleClass, SingleView
from meghdoot.http.schemas.common import Answer, Body, Email, Instant, Line, Plain, Ref
from meghdoot.kernel.i18n import Language

Key = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
"""128 visible ASCII characters at most, as the header Idempotency-Key."""


class MessageBody(Body):
    """What to send to whom. Exactly one of `customer_id` and `email`."""

    customer_id: Ref | None = Field(default=None, description="A customer; the message goes to their address.")
    email: Email | None = Field(
        default=None, description="An address. For transactional messages it may belong to nobody that is known."
    )
    template_id: Ref
    template_version: int | None = Field(default=None, ge=1, description="Null takes the newest version, and pins it.")
    channel: Channel = Field(default="email", description="Only `email` so far.")
    purpose: Purpose = Field(
        default="transactional", description="Must be the one of the template: a promotion does not pass for a receipt."
    )
    message_class: Literal["default", "otp"] = Field(
        default="default", alias="class",
        description="`otp`: a code that somebody waits for. When nobody knows whether it left, it is sent again at once.",
    )  # fmt: skip
    sender_email: Email
    sender_name: Line | None = Field(default=None, description="Null takes the sender's own name.")
    language: Language | None = Field(default=None, description="Null takes the customer's, else the tenant's.")
    variables: Plain = Field(
        default_factory=dict, description="Values for the template; they stand above the customer's own fields.",
        examples=[{"first_name": "Rahima", "order": "A-17"}],
    )  # fmt: skip
    key: Key | None = Field(
        default=None,
        description="Makes it one message for ever. Without it the header Idempotency-Key does; one of both is required.",
    )


class MessageEvidence(Answer):
    """What is known about the calls to the provider."""

    attempts: int = Field(description="Calls begun, each with its number in the provider's events.")
    in_doubt: int = Field(description="Calls of which nobody knows what became.")
    provider: str | None
    provider_message_id: str | None
    heard_attempt: int | None = Field(description="Which call the provider spoke of.")
    mail_hash: str | None = Field(description="Digest of the last mail as it left.")


class MessageAnswer(Answer):
    """A message and how far it got."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True, validate_by_name=True)

    id: str
    state: State
    reason: str | None = Field(description="Why it was skipped, failed, or is unknown; the code of the last refusal.")
    channel: Channel
    purpose: Purpose
    message_class: SingleClass = Field(alias="class")
    customer_id: str | None = Field(description="Null when no customer had the address.")
    template_id: str
    template_version: int
    language: Language
    created_at: Instant
    updated_at: Instant = Field(description="When the state was last known to change.")
    stale_after: Instant = Field(description="What could not be sent by then is not sent any more.")
    evidence: MessageEvidence

    @classmethod
    def of(cls, view: SingleView) -> MessageAnswer:
        """From what is stored."""
        single, row = view.single, view.row
        return cls(
            id=single.id, state=view.state, reason=row.reason if row else None, channel=single.channel,
            purpose=single.purpose, message_class=single.kind,
            customer_id=single.customer_id if single.has_profile else None, template_id=single.template_id,
            template_version=single.template_version, language=single.language, created_at=single.created_at,
            updated_at=row.at if row else single.created_at, stale_after=single.stale_after,
            evidence=MessageEvidence(
                attempts=row.attempt if row else 0, in_doubt=row.doubts if row else 0,
                provider=row.provider if row else None, provider_message_id=row.provider_id if row else None,
                heard_attempt=row.heard_attempt if row else None, mail_hash=row.mail_hash if row else None,
            ),
        )  # fmt: skip
