"""One person's end in a run: the state, its reason, and what contradicts it. Letters are the source, rows only raise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from meghdoot.areas.consent.model import Channel, ConsentEntry, Purpose
from meghdoot.areas.messaging.model import (
    ACCEPTED,
    CALLING,
    CANCELLED,
    FAILED,
    LETTER_SKIPS,
    PARKED,
    PENDING,
    UNKNOWN,
    SendRow,
)
from meghdoot.areas.messaging.rules.waves import WAVE_SECONDS

Kind = Literal[
    "row_without_accepted_letter", "accepted_without_word", "two_chunks", "row_of_another_place",
    "counted_by_another_chunk", "accepted_after_withdrawal", "counters", "sum", "damaged_chunk", "root",
]  # fmt: skip
"""What can be wrong with a run:

row_without_accepted_letter: the provider speaks of somebody whom the letters do not take as called.
accepted_without_word: a letter says accepted, and nothing was heard although its window is over and others were heard.
two_chunks: a person stands in two chunks. row_of_another_place: a row names another chunk or index.
counted_by_another_chunk: the gate counts the message for another chunk. accepted_after_withdrawal: written later than a
wave after consent was taken back. counters: the live counters are not the sum of the rows. sum: the states do not add up
to the audience. damaged_chunk: letters or audience file are gone or cannot be read. root: the proof does not hold.
"""

_REASONS = {
    PENDING: "waits_for_its_turn", CALLING: "is_being_called", ACCEPTED: "the_provider_took_it",
    FAILED: "the_provider_refused_it", PARKED: "no_word_yet", UNKNOWN: "no_word_in_time", CANCELLED: "the_run_was_cancelled",
}  # fmt: skip
_STATES = {
    PENDING: "pending", CALLING: "calling", ACCEPTED: "accepted", FAILED: "failed", PARKED: "unknown",
    UNKNOWN: "unknown", CANCELLED: "cancelled",
}  # fmt: skip
_CALLED = (ACCEPTED, PARKED, UNKNOWN, CALLING)
ONE_WAVE = timedelta(seconds=WAVE_SECONDS)


@dataclass(frozen=True, slots=True)
class End:
    """The state and its reason."""

    state: str
    reason: str


def end_of(letter: str, row: SendRow | None) -> End:
    """The one state of a person. Raises KeyError for a letter that does not exist."""
    if letter in LETTER_SKIPS:
        return End(f"skipped:{LETTER_SKIPS[letter]}", LETTER_SKIPS[letter])
    if row is not None and letter in _CALLED:
        return End(row.state, row.reason or f"the_provider_said_{row.state}")
    return End(_STATES[letter], _REASONS[letter])


def is_contradicted(letter: str, row: SendRow | None) -> bool:
    """Whether a row speaks of somebody who was never called, as far as the letters know."""
    return row is not None and letter not in _CALLED


def is_out_of_place(row: SendRow | None, chunk: int, index: int) -> bool:
    """Whether a row names another chunk or index than the person's."""
    return row is not None and (row.chunk, row.index) != (chunk, index)


def was_withdrawn(history: Iterable[ConsentEntry], channel: Channel, purpose: Purpose, sent: datetime) -> bool:
    """Whether consent had been taken back, longer ago than one wave, when the message was written."""
    entries = [e for e in history if (e.channel, e.purpose) == (channel, purpose) and e.at <= sent - ONE_WAVE]
    return bool(entries) and max(entries, key=lambda e: e.sequence).state == "withdrawn"
