"""Holds and the seal in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from meghdoot.adapters.memory.messaging import Io, effect, silent
from meghdoot.areas.messaging.holding import Hold, SealState, Watched
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.ports import Runs
from meghdoot.areas.messaging.run_records import stored_run


@dataclass
class MemoryHolds:
    """Holds by tenant."""

    io: Io = silent
    items: dict[str, Hold] = field(default_factory=dict)

    def get(self, tenant: str) -> Hold | None:
        with effect(self.io, "get hold"):
            return self.items.get(tenant)

    def put(self, hold: Hold) -> bool:
        with effect(self.io, "put hold"):
            known = self.items.get(hold.tenant)
            if known is not None and (known.scope == "all" or hold.scope == "marketing"):
                return False
            self.items[hold.tenant] = hold
            return True

    def lift(self, tenant: str) -> Hold | None:
        with effect(self.io, "lift hold"):
            return self.items.pop(tenant, None)


@dataclass
class MemoryRunWatch:
    """One look at two stores."""

    runs: Runs
    holds: MemoryHolds
    io: Io = silent

    def look(self, tenant: str, run_id: str) -> Watched:
        with effect(self.io, "look"):
            return Watched(stored_run(self.runs, tenant, run_id), self.holds.items.get(tenant))


@dataclass
class MemoryUnfinishedRuns:
    """The runs of a store, by the tenants that a test names."""

    runs: Runs
    tenants: Sequence[str]

    def unfinished(self) -> list[Run]:
        every = (run for tenant in self.tenants for run in self.runs.all(tenant))
        return [run for run in every if run.status not in ("done", "cancelled")]


@dataclass
class MemorySeal:
    """A flag that a test breaks and mends; `missing` tells a table without a seal from a restored one."""

    whole: bool = True
    missing: bool = False
    io: Io = silent
    born: datetime | None = None

    def since(self) -> datetime | None:
        return self.born

    def intact(self) -> bool:
        with effect(self.io, "seal"):
            return self.whole

    def state(self) -> SealState:
        with effect(self.io, "seal state"):
            return "intact" if self.whole else "missing" if self.missing else "foreign"

    def renew(self) -> None:
        with effect(self.io, "renew seal"):
            self.whole, self.missing = True, False
