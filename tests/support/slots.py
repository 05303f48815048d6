"""Several pacers over one book of slots, in virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from meghdoot.adapters.memory.pacer import MemoryRateBook, MemoryReadings, MemoryStalls, MemoryTallies
from meghdoot.areas.messaging.model import Demand
from meghdoot.areas.messaging.slots import SlotPacer

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def most_in_a_second(calls: list[float]) -> int:
    """The most calls in any sliding second."""
    most = end = 0
    for start in range(len(calls)):
        while end < len(calls) and calls[end] < calls[start] + 1 - 1e-6:
            end += 1
        most = max(most, end - start)
    return most


class Office:
    """Several processes over one book, in virtual time."""

    def __init__(self, rate: float = 100.0) -> None:
        self.book, self.tallies, self.readings, self.stalls = (
            MemoryRateBook(), MemoryTallies(), MemoryReadings(), MemoryStalls(),
        )  # fmt: skip
        self.rate = rate
        self.io: list[str] = []
        self.book.io = self.io.append

    def pacer(self, name: str, bound: float | None = None) -> SlotPacer:
        bound = self.rate if bound is None else bound
        return SlotPacer(self.book, self.tallies, self.readings, self.stalls, bound, lambda: name)


def a_demand(tenant: str = "t1", run: str = "r1", **more: object) -> Demand:
    return Demand("ses", "account", tenant, run, **more)  # type: ignore[arg-type]


def taken(pacer: SlotPacer, demand: Demand, seconds: float, wanted: int = 25) -> list[float]:
    """The slots that one process gets when it asks again as soon as it has used what it has."""
    got, at = [], NOW
    while at < NOW + timedelta(seconds=seconds):
        lease = pacer.lease(demand, wanted, at)
        got += [at.timestamp() + slot for slot in lease.slots]
        at += timedelta(seconds=(lease.slots[-1] if lease.count else lease.wait) + 1e-5)
    return got
