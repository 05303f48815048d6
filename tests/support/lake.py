"""A lake in memory or on a substrate, filled through the archive and the compactor like the real one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meghdoot.adapters.lake.archive import Archive
from meghdoot.adapters.lake.compactor import LakeCompactor
from meghdoot.adapters.lake.duckdb_engine import DuckDbEngine, Lake
from meghdoot.adapters.lake.manifest import Manifests, MemoryManifests
from meghdoot.adapters.objects.store import MemoryStore, ObjectStore
from meghdoot.kernel.clock import Clock, ManualClock
from meghdoot.kernel.ids import SystemIds


@dataclass(frozen=True)
class LakeKit:
    """Everything of one lake."""

    store: ObjectStore
    manifests: Manifests
    clock: Clock
    folder: Path

    @classmethod
    def in_memory(cls, folder: Path, clock: Clock | None = None) -> LakeKit:
        return cls(MemoryStore(), MemoryManifests(), clock or ManualClock(), folder)

    @property
    def compactor(self) -> LakeCompactor:
        return LakeCompactor(
            self.store,
            self.manifests,
            self.clock,
            SystemIds(self.clock),
            self.folder / "work",
            memory_mb=256,
            threads=1,
        )

    @property
    def lake(self) -> Lake:
        return Lake(self.store, self.manifests, self.folder / "cache", memory_mb=256, threads=1)

    @property
    def engine(self) -> DuckDbEngine:
        return DuckDbEngine(self.lake, lambda _tenant: "BDT")

    def append(self, records: Iterable[dict[str, Any]], shard: str = "shard-1") -> None:
        appended = Archive(self.store).append(shard, list(records))
        assert appended.failed is None, appended
