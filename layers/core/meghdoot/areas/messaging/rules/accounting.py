"""The sum that always holds: every person of a run in exactly one state. Letters are its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from meghdoot.areas.messaging.rules.letters import STATES

ROW_STATES = ("complained", "bounced", "delivered")
_UNDER_ROWS = ("accepted", "unknown", "calling")
"""Where a person stands whose row the letters do not know of, in the order of likelihood."""


def accounting(audience: int, chunks: Iterable[str], rows: Mapping[str, int]) -> dict[str, int]:
    """State to people, without the empty ones; the values always add up to the audience.

    `chunks` are the letters of each chunk; `rows` counts the send rows by their present state. People planned whose
    chunk is not there yet are pending. Rows never outnumber the people who were called: counters that run ahead of the
    letters are cut, and are whole again with the next reading.
    """
    people: Counter[str] = Counter()
    for letters in chunks:
        for letter, count in Counter(letters).items():
            people[STATES[letter]] += count
    people["pending"] += max(0, audience - people.total())
    for state in ROW_STATES:
        moved = _take(people, max(0, rows.get(state, 0)))
        people[state] += moved
    return {state: count for state, count in people.items() if count}


def _take(people: Counter[str], wanted: int) -> int:
    moved = 0
    for state in _UNDER_ROWS:
        step = min(wanted - moved, people[state])
        people[state] -= step
        moved += step
    return moved
