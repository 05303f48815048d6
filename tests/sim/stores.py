"""The memory adapters as the simulator holds them: every change of a store is seen, and clients may repeat their calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.counters import MemoryCounters
from meghdoot.adapters.memory.effects import Io, effect
from meghdoot.adapters.memory.messaging import (
    MemoryAudience,
    MemoryChunks,
    MemoryEvidence,
    MemoryGates,
    MemoryLiveRuns,
    MemorySendRows,
)
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.memory.touches import MemoryTouches
from meghdoot.adapters.objects.store import MemoryStore
from meghdoot.areas.messaging.model import ClaimRequest

Change = Callable[[Any, Any, Any], None]
"""Key, what stood there (or None), what stands there now (or None)."""


class WatchedDict(dict):  # type: ignore[type-arg]
    """A store that tells of each change, whoever makes it: the adapters over it may be broken on purpose."""

    __slots__ = ("on_change",)

    def __init__(self, on_change: Change) -> None:
        super().__init__()
        self.on_change = on_change

    def __setitem__(self, key: Any, value: Any) -> None:
        old = self.get(key)
        dict.__setitem__(self, key, value)
        self.on_change(key, old, value)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        old = self.get(key)
        gone = dict.pop(self, key, *default)
        if old is not None:
            self.on_change(key, old, None)
        return gone


T = TypeVar("T")
Again = Callable[[], bool]


def repeating(cls: type[T], *names: str) -> type[T]:
    """The adapter behind a client that repeats a call whose reply was lost; `again` says when that happens."""

    def wrapped(name: str) -> Any:
        def call(self: Any, *args: Any, **more: Any) -> Any:
            # Looked up now: the adapter may be broken on purpose.
            method = getattr(cls, name)
            if self.again():
                method(self, *args, **more)
            return method(self, *args, **more)

        return call

    return type(f"Repeating{cls.__name__}", (cls,), {name: wrapped(name) for name in names})


Gates = repeating(MemoryGates, "claim")
Chunks = repeating(MemoryChunks, "create", "take", "mark", "queued", "lift")
Rows = repeating(MemorySendRows, "born", "climb")
Evidence = repeating(MemoryEvidence, "heard")
Audience = repeating(MemoryAudience, "write")
LiveRuns = repeating(MemoryLiveRuns, "add", "remove")
Runs = repeating(MemoryRecords, "replace")
Ledger = repeating(MemoryConsentLedger, "append")
Suppressions = repeating(MemorySuppressions, "add")
WithdrawalLog = repeating(MemoryWithdrawalLog, "append")
Touches = repeating(MemoryTouches, "touch")
Counters = repeating(MemoryCounters, "write")


class Bucket(MemoryStore):
    """A bucket behind a wire."""

    def __init__(self, io: Io) -> None:
        super().__init__()
        self.io = io

    def put(self, key: str, body: bytes) -> None:
        with effect(self.io, "put object"):
            super().put(key, body)


class UncheckedGates(Gates):  # type: ignore[valid-type,misc]
    """Broken on purpose: a claim that checks neither version nor consent."""

    def _claim(self, request: ClaimRequest, number: int) -> Any:
        from dataclasses import replace

        from meghdoot.areas.messaging.model import ClaimResult

        gate = self.store.get(request.tenant, request.customer_id)
        if gate is None:
            return ClaimResult(claimed=False)
        self.store.put(replace(gate, counted=request.counted, version=gate.version + 1))
        return ClaimResult(claimed=True)
