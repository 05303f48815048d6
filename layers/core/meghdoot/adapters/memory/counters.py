"""Counters in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.areas.analytics.counting import total
from meghdoot.areas.analytics.model import WHOLE_TENANT, CampaignFiguresRecord, Change, Counter, CounterKey
from meghdoot.areas.analytics.reputation_rules import Hours, Mark


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

    def hours(self, tenant: str, since: str) -> Hours:
        with effect(self.io, "hours"):
            mine = {k: c for k, c in self.items.items() if (k.tenant, k.run_id) == (tenant, WHOLE_TENANT)}
            wanted = {k.day for k in mine if k.day >= since}
            return {hour: total(c.sums for k, c in mine.items() if k.day == hour) for hour in sorted(wanted)}

    def apply(self, changes: Sequence[Change]) -> None:
        """Count changes as the reader of one shard would."""
        CounterService(self).count("memory", "shard-0", changes)


@dataclass
class MemoryReputationMarks:
    """Marks by tenant."""

    items: dict[str, Mark] = field(default_factory=dict)

    def get(self, tenant: str) -> Mark | None:
        return self.items.get(tenant)

    def put(self, mark: Mark) -> None:
        self.items[mark.tenant] = mark


def memory_figures() -> MemoryRecords[CampaignFiguresRecord]:
    """An empty store of campaigns' last figures."""
    return MemoryRecords("campaign figures")
