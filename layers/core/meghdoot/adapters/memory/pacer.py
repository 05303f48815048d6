"""The pacer in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from meghdoot.adapters.memory.messaging import Io, effect, silent
from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.areas.messaging.rules.pacing import reserve


@dataclass
class MemoryPacer:
    """One line of slots for each provider and identity. `granted` is calls a second."""

    granted: float = 1000.0
    io: Io = silent
    free: dict[tuple[str, str], int] = field(default_factory=dict)

    def rate(self, provider: str, identity: str) -> float:
        return self.granted

    def lease(self, demand: Demand, wanted: int, now: datetime) -> Lease:
        with effect(self.io, "lease"):
            line = (demand.provider, demand.identity)
            slots = reserve(self.free.get(line, 0), int(now.timestamp() * 1e6), self.granted, wanted)
            self.free[line] = slots.free_from
            return slots.lease
