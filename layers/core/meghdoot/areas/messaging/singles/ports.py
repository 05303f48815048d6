"""What single messages need from the outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from meghdoot.areas.messaging.singles.model import Composition, Single, SingleRef, SingleRow
from meghdoot.kernel.records import Records


class Compositions(Records[Composition], Protocol):
    """The stored compositions."""


class Singles(Protocol):
    """The messages as they were taken."""

    def add(self, single: Single, content_until: datetime) -> Single | None:
        """Store a message whole if its id is free: None. Else the message that has the id, which stays as it is.

        Address and fields are kept until `content_until`; the rest is kept for ever, since a key is one message for ever.
        """
        ...

    def get(self, ref: SingleRef) -> Single | None:
        """The message, read consistently; without address and fields when these were forgotten."""
        ...


class SingleRows(Protocol):
    """The rows of single messages: send rows of the customer, with an owner."""

    def get(self, single: Single) -> SingleRow | None:
        """The row, read consistently; None before the first attempt."""
        ...

    def claim(self, single: Single, row: SingleRow, seen: SingleRow | None) -> bool:
        """INSERT where nothing is (`seen` None), else UPDATE where token and rank are still as seen.

        False when somebody else was faster. A repeated call recognises its own work by its token.
        """
        ...

    def record(self, single: Single, row: SingleRow) -> bool:
        """UPDATE by the token's holder, where the provider has not spoken yet. False: another owner, or accepted."""
        ...


class SingleTimers(Protocol):
    """The worklist of the sweeper: messages that are to be looked at, by time."""

    def set(self, tenant: str, message_id: str, at: datetime) -> None:
        """Look at a message at `at`. Repeating is fine."""
        ...

    def due(self, until: datetime, limit: int = 100) -> list[tuple[str, str, datetime]]:
        """(tenant, message, time) of those that are due, oldest first."""
        ...

    def done(self, tenant: str, message_id: str, at: datetime) -> None:
        """Forget a look. Absent is fine."""
        ...


class UrgentQueue(Protocol):
    """Hints that a single message wants work. Delivered at least once, in any order."""

    def put(self, refs: Sequence[SingleRef], *, delay_seconds: int = 0) -> None:
        """Enqueue. Raises Unavailable."""
        ...
