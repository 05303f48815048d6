"""Counting without counting twice: a counter knows the last record that it holds, and takes only newer ones.

Adding a batch's sums is wrong after a redelivery. Adding them where the counter's last sequence is below the batch's
end is wrong too, once a batch comes back with another end. So a batch is cut down to what the counter has not seen,
and is written only where the counter is still what it was when that was decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from meghdoot.areas.analytics.model import Change, Counter, CounterKey

SEQUENCE_DIGITS = 40
"""Sequence numbers have up to 40 digits, more than a DynamoDB number holds: they are text."""


def padded(sequence: str) -> str:
    """A sequence number as text that sorts as the number does. Raises ValueError for anything else."""
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= SEQUENCE_DIGITS):
        raise ValueError("not a sequence number")
    return sequence.zfill(SEQUENCE_DIGITS)


def row_deltas(old_state: str | None, new_state: str) -> dict[str, int]:
    """A send row was born (no old state), or climbed: one state gains a person, another loses one."""
    if old_state == new_state:
        return {}
    deltas = {new_state: 1}
    if old_state is not None:
        deltas[old_state] = -1
    return deltas


HARD_BOUNCE = "Permanent"
"""How the reason of a hard bounce begins; adapters of providers write it so."""


def fate_deltas(old: tuple[str, str | None] | None, new: tuple[str, str | None]) -> dict[str, int]:
    """What a row's new state and reason change in the sums of its tenant: `delivered`, `bounced` (hard), `complained` ..."""
    return total([dict.fromkeys(_fate(*new), 1)], [dict.fromkeys(_fate(*old), -1)] if old else [])


def _fate(state: str, reason: str | None) -> tuple[str, ...]:
    if state == "complained":
        # Who complains has got it.
        return ("delivered", "complained")
    if state == "bounced":
        return ("bounced",) if (reason or "").startswith(HARD_BOUNCE) else ("soft_bounced",)
    return ("delivered",) if state == "delivered" else ()


def touch_deltas(kind: str, link: int | None) -> dict[str, int]:
    """A touch was kept for the first time: by kind, and links by their number."""
    if kind == "link_click":
        if link is None:
            raise ValueError("a click on a link names the link")
        return {f"link:{link}": 1}
    # The first click of a message counts the link that it followed too; touches of before say no link.
    return {kind: 1} | ({f"link:{link}": 1} if kind == "click" and link else {})


def by_counter(stream: str, shard: str, changes: Iterable[Change]) -> dict[CounterKey, list[Change]]:
    """Changes by the counter that they belong to, each once and in the order of their sequence."""
    groups: dict[CounterKey, dict[str, Change]] = defaultdict(dict)
    for change in changes:
        key = CounterKey(change.tenant, change.run_id, change.day, stream, shard)
        groups[key][change.sequence] = change
    return {key: [group[s] for s in sorted(group)] for key, group in groups.items()}


def advanced(counter: Counter | None, changes: Sequence[Change]) -> Counter | None:
    """The counter with what it has not seen yet, or None when it has seen everything."""
    seen = "" if counter is None else counter.last_sequence
    newer = [c for c in changes if c.sequence > seen]
    if not newer:
        return None
    sums = total([counter.sums] if counter else [], (c.deltas for c in newer))
    return Counter(max(c.sequence for c in newer), sums)


def total(*many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sums of sums by name, without those that come to nothing."""
    sums: dict[str, int] = defaultdict(int)
    for group in many:
        for part in group:
            for name, count in part.items():
                sums[name] += count
    return {name: count for name, count in sorted(sums.items()) if count}
