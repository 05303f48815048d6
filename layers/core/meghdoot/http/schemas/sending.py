"""Whether the tenant sends, and what keeps it from doing so."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from meghdoot.areas.messaging.holding import Hold, HoldCause, HoldScope
from meghdoot.http.schemas.common import Answer, Body, Instant


class StopBody(Body):
    """Why everything stops."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")] = Field(
        description="A sentence for whoever finds the messages waiting.", examples=["Wrong price in the Eid mail"]
    )


class HoldAnswer(Answer):
    """What keeps messages back. With the scope `marketing` transactional messages go on."""

    scope: HoldScope
    cause: HoldCause
    words: str
    words_bn: str | None = Field(description="The same in Bangla; null where a person wrote the reason.")
    by: str
    since: Instant

    @classmethod
    def of(cls, h: Hold) -> HoldAnswer:
        """From the stored hold."""
        return cls(scope=h.scope, cause=h.cause, words=h.words, words_bn=h.words_bn, by=h.by, since=h.since)


class SendingAnswer(Answer):
    """`hold` is null while messages leave."""

    sending: bool = Field(description="False while every message, or all of marketing, waits.")
    hold: HoldAnswer | None

    @classmethod
    def of(cls, hold: Hold | None) -> SendingAnswer:
        """From the hold, if there is one."""
        return cls(sending=hold is None, hold=None if hold is None else HoldAnswer.of(hold))


class ResumedAnswer(Answer):
    """What was lifted, and how many runs go on where they stood."""

    lifted: HoldAnswer
    runs: int
