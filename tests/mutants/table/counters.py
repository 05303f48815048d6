"""Breakages of the counters: a stream comes again, in other pieces, from several shards."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

COUNTING = "meghdoot.areas.analytics.counting"
SERVICE = "meghdoot.areas.analytics.counter_service"
MEMORY = "meghdoot.adapters.memory.counters"

COUNTERS = (
    Mutant("counters", "plain addition", COUNTING,
        "newer = [c for c in changes if c.sequence > seen]", "newer = list(changes)",
        "a batch that comes again counts again"),
    Mutant("counters", "the last one counts twice", COUNTING,
        "if c.sequence > seen]", "if c.sequence >= seen]",
        "the record that a counter ends with is added again"),
    Mutant("counters", "the batch as a whole", COUNTING,
        "newer = [c for c in changes if c.sequence > seen]",
        "newer = list(changes) if max(c.sequence for c in changes) > seen else []",
        "a batch that comes back with another end counts again"),
    Mutant("counters", "the first sequence is noted", COUNTING,
        "return Counter(max(c.sequence for c in newer), sums)", "return Counter(min(c.sequence for c in newer), sums)",
        "a counter knows less than it holds"),
    Mutant("counters", "numbers as they come", COUNTING,
        "return sequence.zfill(SEQUENCE_DIGITS)", "return sequence",
        "9 comes after 10"),
    Mutant("counters", "written whatever was read", MEMORY,
        "if (stored.last_sequence if stored else None) != expected:", "if False:",
        "of two readers of a shard the second takes back what the first counted"),
    Mutant("counters", "states only gain", COUNTING,
        "        deltas[old_state] = -1\n", "        pass\n",
        "a row that climbs is counted in both states"),
    Mutant("counters", "one counter for all shards", COUNTING,
        "key = CounterKey(change.tenant, change.run_id, change.day, stream, shard)",
        'key = CounterKey(change.tenant, change.run_id, change.day, stream, "")',
        "the records of one shard hide those of another"),
    Mutant("counters", "one counter for all days", COUNTING,
        "key = CounterKey(change.tenant, change.run_id, change.day, stream, shard)",
        'key = CounterKey(change.tenant, change.run_id, "", stream, shard)',
        "sums are right, and no day can be told from another"),
    Mutant("counters", "a failure passes for success", SERVICE,
        "failed.append(group[0].sequence)", "pass",
        "records that could not be counted never come again"),
    Mutant("counters", "one failure stops the others", SERVICE,
        "            try:\n                self._advance(key, group)\n            except AppError:\n                failed.append(group[0].sequence)",
        "            self._advance(key, group)",
        "a counter that cannot be written holds up its neighbours"),
)  # fmt: skip
