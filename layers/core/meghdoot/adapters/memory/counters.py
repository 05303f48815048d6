"""Counters in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.areas.analytics.counting import total
from meghdoot.areas.analytics.model import CampaignFiguresRecord, Change, Counter, CounterKey


class MemoryCounters:
    """Counters in a dict, with the same compare-and-set."""

    def __init__(self, io: Io = silent) -> None:
        self.items: dict[CounterKey, Counter] = {}
        self.io = io

    def read(self, key: CounterKey) -> Counter | None:
        with effect(self.io, "read counter"):
            return self.items.get(key)

    def write(self, key: CounterKey, counter: Counter, expected: str | None) -> bool:
        with effect(self.io, "write counter"):
            stored = self.items.get(key)
            if (stored.last_sequence if stored else None) != expected:
                return False
            self.items[key] = counter
            return True

    def totals(self, tenant: str, run_id: str) -> Mapping[str, int]:
        with effect(self.io, "totals"):
            return total(c.sums for k, c in self.items.items() if (k.tenant, k.run_id) == (tenant, run_id))

    def apply(self, changes: Sequence[Change]) -> None:
        """Count changes as the reader of one shard would."""
        CounterService(self).count("memory", "shard-0", changes)


def memory_figures() -> MemoryRecords[CampaignFiguresRecord]:
    """An empty store of campaigns' last figures."""
    return MemoryRecords("campaign figures")
