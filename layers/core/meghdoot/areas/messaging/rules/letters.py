"""Letters: what a chunk says about each of its people, and how they may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from meghdoot.areas.messaging.model import (
    ACCEPTED,
    CALLING,
    CANCELLED,
    FAILED,
    LETTER_SKIPS,
    PARKED,
    PENDING,
    SKIP_LETTERS,
    UNKNOWN,
    Chunk,
    OutcomeKind,
    SkipReason,
)
from meghdoot.areas.messaging.rules.waves import LEASE_MARGIN_SECONDS

OUTCOME_LETTERS: dict[OutcomeKind, str] = {
    "accepted": ACCEPTED, "retry": PENDING, "wait_quota": PENDING, "refused": FAILED, "refused_address": FAILED,
    "stop": PENDING, "ambiguous": PARKED,
}  # fmt: skip

STATES: dict[str, str] = {
    PENDING: "pending", CALLING: "calling", ACCEPTED: "accepted", FAILED: "failed", PARKED: "unknown",
    UNKNOWN: "unknown", CANCELLED: "cancelled",
} | {letter: f"skipped:{reason}" for letter, reason in LETTER_SKIPS.items()}  # fmt: skip
"""A parked send may still be lifted by the provider's event; until then nobody knows, and that is what is shown."""


def first_letter(skip: SkipReason | None) -> str:
    """The letter that planning gives a person."""
    return PENDING if skip is None else SKIP_LETTERS[skip]


def lease_end(now: float, remaining: float) -> int:
    """Until when a lease lasts: the owner's whole life and a margin. Seconds since 1970."""
    return int(now + max(0.0, remaining)) + LEASE_MARGIN_SECONDS


def with_letters(chunk: Chunk, changes: Mapping[int, str], now_seconds: int) -> Chunk:
    """The chunk with letters changed, by index; parking somebody is noted with its time."""
    letters = list(chunk.letters)
    for index, letter in changes.items():
        letters[index] = letter
    parked_at = now_seconds if PARKED in changes.values() else chunk.parked_at
    return replace(chunk, letters="".join(letters), parked_at=parked_at)


def replaced(chunk: Chunk, old: str, new: str) -> Chunk:
    """The chunk with every letter `old` made `new`."""
    return replace(chunk, letters=chunk.letters.replace(old, new))


def parked(chunk: Chunk, now_seconds: int) -> Chunk:
    """A dead owner's calls: nobody knows what came of them, so nobody calls these people again."""
    if CALLING not in chunk.letters:
        return chunk
    return replace(replaced(chunk, CALLING, PARKED), parked_at=now_seconds)


def indexes(letters: str, wanted: str) -> list[int]:
    """Where a letter stands."""
    return [index for index, letter in enumerate(letters) if letter == wanted]


def with_rows(letters: str, found: Iterable[int]) -> str:
    """Parked and unknown people about whom the provider has spoken were accepted."""
    changed = list(letters)
    for index in found:
        if changed[index] in (PARKED, UNKNOWN):
            changed[index] = ACCEPTED
    return "".join(changed)
