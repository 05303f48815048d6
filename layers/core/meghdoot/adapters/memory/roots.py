"""Proofs of runs in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.areas.messaging.roots import RootPart, RunRoot


@dataclass
class MemoryRoots:
    """Proofs and their parts in dicts; the first one stays."""

    io: Io = silent
    parts: dict[tuple[str, str, int], RootPart] = field(default_factory=dict)
    kept: dict[tuple[str, str], RunRoot] = field(default_factory=dict)

    def put_part(self, part: RootPart) -> RootPart:
        with effect(self.io, "put root part"):
            return self.parts.setdefault((part.tenant, part.run_id, part.slice), part)

    def part(self, tenant: str, run_id: str, slice_: int) -> RootPart | None:
        with effect(self.io, "get root part"):
            return self.parts.get((tenant, run_id, slice_))

    def put(self, root: RunRoot) -> RunRoot:
        with effect(self.io, "put root"):
            return self.kept.setdefault((root.tenant, root.run_id), root)

    def get(self, tenant: str, run_id: str) -> RunRoot | None:
        with effect(self.io, "get root"):
            return self.kept.get((tenant, run_id))
