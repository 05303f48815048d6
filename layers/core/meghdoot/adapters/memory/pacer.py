"""Pacing in memory: the book of frames, tallies, readings, notes of stalls, and a pacer over them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from meghdoot.adapters.memory.messaging import Io, effect, silent
from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.areas.messaging.pacing_model import FrameName, Grant, Page, Reading, Stall, StallReason
from meghdoot.areas.messaging.rules.stalling import continues
from meghdoot.areas.messaging.slots import SlotPacer
from meghdoot.kernel.errors import Unavailable


@dataclass
class MemoryRateBook:
    """Pages by frame, and words by line."""

    io: Io = silent
    pages: dict[FrameName, Page] = field(default_factory=dict)
    words: dict[str, frozenset[str]] = field(default_factory=dict)

    def look(self, frames: Sequence[FrameName]) -> tuple[list[Page], frozenset[str]]:
        with effect(self.io, "look at frames"):
            return [self.pages.get(frame, Page()) for frame in frames], self.words.get(frames[0].line, frozenset())

    def claim(self, frame: FrameName, combs: Collection[int], word: str, expires_at: int) -> tuple[bool, Page]:
        with effect(self.io, "claim combs"):
            page = self.pages.get(frame, Page())
            if page.taken & set(combs):
                return word in page.words, page
            self.pages[frame] = Page(page.taken | set(combs), page.words | {word})
            return True, self.pages[frame]

    def wait(self, line: str, word: str, expires_at: int) -> None:
        with effect(self.io, "say who waits"):
            self.words[line] = self.words.get(line, frozenset()) | {word}

    def forget(self, line: str, words: Collection[str]) -> None:
        with effect(self.io, "forget who waited"):
            self.words[line] = self.words.get(line, frozenset()) - set(words)


@dataclass
class MemoryTallies:
    """Sums by key."""

    io: Io = silent
    counts: dict[str, int] = field(default_factory=dict)

    def take(self, key: str, wanted: int, limit: int, expires_at: int) -> int:
        with effect(self.io, "count"):
            known = self.counts.get(key, 0)
            got = max(0, min(wanted, limit - known))
            self.counts[key] = known + got
            return got

    def sums(self, keys: Sequence[str]) -> list[int]:
        with effect(self.io, "read counts"):
            return [self.counts.get(key, 0) for key in keys]


@dataclass
class MemoryReadings:
    """Readings by line."""

    io: Io = silent
    items: dict[str, Reading] = field(default_factory=dict)

    def get(self, line: str) -> Reading | None:
        with effect(self.io, "read the grant"):
            return self.items.get(line)

    def put(self, line: str, reading: Reading) -> None:
        with effect(self.io, "store the grant"):
            self.items[line] = reading


@dataclass
class MemoryAccountReader:
    """A provider that answers what a test wants; None for one that does not answer."""

    grant: Grant | None = None

    def read(self) -> Grant:
        if self.grant is None:
            raise Unavailable("the mail provider does not answer")
        return self.grant


@dataclass
class MemoryStalls:
    """Notes by run."""

    io: Io = silent
    notes: dict[tuple[str, str], Stall] = field(default_factory=dict)

    def note(self, tenant: str, run_id: str, reason: StallReason, now: datetime, until: datetime) -> None:
        with effect(self.io, "note a stall"):
            known = self.notes.get((tenant, run_id))
            since = known.since if known is not None and continues(known, reason, now) else now
            self.notes[(tenant, run_id)] = Stall(reason, since, until)

    def get(self, tenant: str, run_id: str) -> Stall | None:
        with effect(self.io, "read a stall"):
            return self.notes.get((tenant, run_id))


def _one() -> str:
    return "1"


@dataclass
class MemoryPacer:
    """The pacer of one process. `granted` is calls a second; a test may change it at any time."""

    granted: float = 1000.0
    io: Io = silent
    book: MemoryRateBook = field(default_factory=MemoryRateBook)
    tallies: MemoryTallies = field(default_factory=MemoryTallies)
    readings: MemoryReadings = field(default_factory=MemoryReadings)
    stalls: MemoryStalls = field(default_factory=MemoryStalls)
    slots: SlotPacer = field(init=False)

    def __post_init__(self) -> None:
        self.slots = SlotPacer(self.book, self.tallies, self.readings, self.stalls, self.granted, _one)

    def rate(self, provider: str, identity: str) -> float:
        self.slots.bound = self.granted
        return self.slots.rate(provider, identity)

    def lease(self, demand: Demand, wanted: int, now: datetime) -> Lease:
        with effect(self.io, "lease"):
            self.slots.bound = self.granted
            return self.slots.lease(demand, wanted, now)

    def used(self, demand: Demand, unused: int, call_seconds: float | None, now: datetime) -> None:
        self.slots.used(demand, unused, call_seconds, now)

    def waits(self, demand: Demand, reason: StallReason, seconds: float, now: datetime) -> None:
        self.slots.waits(demand, reason, seconds, now)
