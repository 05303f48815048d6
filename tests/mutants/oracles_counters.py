"""A stream that is cut, repeated and raced counts as a recount does."""

from __future__ import annotations

from collections import Counter as Tally
from random import Random

from meghdoot.adapters.memory.counters import MemoryCounters
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.areas.analytics.counting import padded, row_deltas
from meghdoot.areas.analytics.model import Change, Counter, CounterKey
from meghdoot.kernel.errors import Throttled

STATES = ("accepted", "delivered", "bounced", "complained")


def recount() -> None:
    """Shards in pieces that come again with another end; two readers of one shard; a counter that fails."""
    chance = Random(3)
    for _ in range(30):
        _cut_and_repeated(chance)
    _raced()
    _one_fails()


def _stream(chance: Random, tenant: str = "acme") -> list[Change]:
    made = []
    for number in range(1, 25):
        # 9, 10, 11 ...: the text of a number sorts as the number only when it is padded.
        at = padded(str(number))
        low, high = sorted(chance.sample(range(len(STATES)), 2))
        old = None if chance.random() < 0.5 else STATES[low]
        deltas = row_deltas(old, STATES[high])
        assert deltas == {STATES[high]: 1} | ({} if old is None else {old: -1}), "a row stands in two states"
        made.append(Change(tenant, "r1", chance.choice(["20260105", "20260106"]), at, deltas))
    return made


def _truth(*streams: list[Change]) -> dict[str, int]:
    sums: Tally[str] = Tally()
    for stream in streams:
        for change in stream:
            for name, count in change.deltas.items():
                sums[name] += count
    return {name: count for name, count in sums.items() if count}


def _cut_and_repeated(chance: Random) -> None:
    counters, streams = MemoryCounters(), {"s0": _stream(chance), "s1": _stream(chance)}
    service = CounterService(counters)
    for shard, stream in streams.items():
        done = 0
        while done < len(stream):
            start, end = chance.randint(max(0, done - 5), done), chance.randint(done + 1, len(stream))
            assert service.count("stream", shard, stream[start:end]) == []
            done = end
            if chance.random() < 0.3:
                again = chance.randint(0, end - 1)
                service.count("stream", shard, stream[again:end])
    assert dict(counters.totals("acme", "r1")) == _truth(*streams.values()), "the counters are not the recount"
    days = {key.day for key in counters.items}
    assert days == {change.day for stream in streams.values() for change in stream}
    for day in days:
        of_day = [[c for c in stream if c.day == day] for stream in streams.values()]
        sums: Tally[str] = Tally()
        for key, counter in counters.items.items():
            sums.update(counter.sums if key.day == day else {})
        assert {n: c for n, c in sums.items() if c} == _truth(*of_day)


def _raced() -> None:
    """Another reader of the same shard writes between our read and our write."""
    stream = _stream(Random(1))
    counters = MemoryCounters()

    class Overtaken(MemoryCounters):
        def read(self, key: CounterKey) -> Counter | None:
            found = counters.read(key)
            if not self.items:
                self.items = counters.items
                CounterService(counters).count("stream", "s0", stream[:20])
            return found

    CounterService(Overtaken()).count("stream", "s0", stream[:10])
    assert dict(counters.totals("acme", "r1")) == _truth(stream[:20]), "a reader took back what another counted"
    CounterService(counters).count("stream", "s0", stream)
    assert dict(counters.totals("acme", "r1")) == _truth(stream), "a reader took back what another counted"


def _one_fails() -> None:
    class Failing(MemoryCounters):
        def write(self, key: CounterKey, counter: Counter, expected: str | None) -> bool:
            if key.run_id == "bad":
                raise Throttled("slow down")
            return super().write(key, counter, expected)

    good, bad = _stream(Random(2)), [Change("acme", "bad", "20260105", padded("7"), {"delivered": 1})]
    counters = Failing()
    assert CounterService(counters).count("stream", "s0", [*bad, *good]) == [padded("7")], "a failure was not told"
    assert dict(counters.totals("acme", "r1")) == _truth(good)


def tenants_apart() -> None:
    """Two tenants whose runs have the same id."""
    counters = MemoryCounters()
    service, ours, theirs = CounterService(counters), _stream(Random(4)), _stream(Random(5), "other")
    service.count("stream", "s0", ours)
    service.count("stream", "s1", theirs)
    assert dict(counters.totals("acme", "r1")) == _truth(ours)
    assert dict(counters.totals("other", "r1")) == _truth(theirs)
