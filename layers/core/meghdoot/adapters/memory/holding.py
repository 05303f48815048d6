"""Holds and the seal in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from meghdoot.adapters.memory.messaging import Io, effect, silent
from meghdoot.areas.messaging.holding import Hold


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
class MemorySeal:
    """A flag that a test breaks and mends."""

    whole: bool = True
    io: Io = silent

    def intact(self) -> bool:
        with effect(self.io, "seal"):
            return self.whole
