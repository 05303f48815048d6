"""Frames of slots, what a provider grants, and runs that wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from meghdoot.areas.messaging.model import LeaseReason


@dataclass(frozen=True, slots=True)
class Page:
    """What stands in the book about one frame."""

    taken: frozenset[int] = frozenset()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FrameName:
    """A frame of a grid; grids of two rates have nothing in common."""

    line: str
    """Whose rate: provider and account."""
    rate: float
    number: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider grants an account, as it says itself."""

    rate: float
    """Calls a second."""
    max_24h: int | None
    """Messages within any 24 hours; None for no quota."""
    sent_24h: int = 0
    sending_enabled: bool = True
    in_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A grant as the senders use it, who look at it once a minute."""

    rate: float
    before: float | None
    """The rate until `switch_at`: every sender must have heard of a new rate before the first one uses it."""
    switch_at: datetime
    max_24h: int | None
    others_24h: int
    """Messages of the last 24 hours that were not ours."""
    read_at: datetime
    sending_enabled: bool = True
    in_sandbox: bool = False


StallReason = LeaseReason | Literal["hold", "provider"]


@dataclass(frozen=True, slots=True)
class Stall:
    """A run that has work left and gets no slots."""

    reason: StallReason
    since: datetime
    until: datetime
    """When it is tried again, as far as anybody knows."""
