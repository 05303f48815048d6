"""What pacing needs from the outside: the book of frames, tallies, the provider's grant, and notes of runs that wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from meghdoot.areas.messaging.pacing_model import FrameName, Grant, Page, Reading, Stall, StallReason


class RateBook(Protocol):
    """Who holds which combs of which frame. Every frame is an item of its own, so that no key is hot."""

    def look(self, frames: Sequence[FrameName]) -> tuple[list[Page], frozenset[str]]:
        """The pages of frames (of one line), and the words of tenants that wait, by one consistent read."""
        ...

    def claim(self, frame: FrameName, combs: Collection[int], word: str, expires_at: int) -> tuple[bool, Page]:
        """Take all these combs, or none when one of them is taken; the page as it stands then.

        With no combs only the word is written. `expires_at`: seconds since 1970. Raises Unavailable or Throttled.
        """
        ...

    def wait(self, line: str, word: str, expires_at: int) -> None:
        """Say that a tenant waits and nobody may be working for it."""
        ...

    def forget(self, line: str, words: Collection[str]) -> None:
        """Strike words that are over."""
        ...


class Tallies(Protocol):
    """Counts that never pass their limit."""

    def take(self, key: str, wanted: int, limit: int, expires_at: int) -> int:
        """Count up to `wanted` more where the sum stays within the limit; answers how many were counted."""
        ...

    def sums(self, keys: Sequence[str]) -> list[int]:
        """What was counted under each key so far."""
        ...


class AccountReader(Protocol):
    """Asks the provider."""

    def read(self) -> Grant:
        """What the account is granted now. Raises Unavailable."""
        ...


class Readings(Protocol):
    """The newest reading of each account."""

    def get(self, line: str) -> Reading | None:
        """None while the provider was never asked."""
        ...

    def put(self, line: str, reading: Reading) -> None:
        """Replace it; the ticker is the only writer."""
        ...


class Stalls(Protocol):
    """Notes of runs that wait."""

    def note(self, tenant: str, run_id: str, reason: StallReason, now: datetime, until: datetime) -> None:
        """Keep the beginning while one reason goes on, else begin anew."""
        ...

    def get(self, tenant: str, run_id: str) -> Stall | None:
        """The newest note, however old."""
        ...
