"""Counters equal a recount, however a stream is cut, repeated and raced."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.adapters.memory.counters import MemoryCounters
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.areas.analytics.counting import advanced, by_counter, padded, row_deltas, total, touch_deltas
from meghdoot.areas.analytics.model import Change, Counter, CounterKey
from meghdoot.kernel.errors import Throttled, Unavailable

Delivery = tuple[str, list[Change]]


def change(n: int, deltas: Mapping[str, int], run: str = "r1", day: str = "20260105", tenant: str = "acme") -> Change:
    return Change(tenant, run, day, padded(str(10**20 + n)), deltas)


@st.composite
def shards(draw: st.DrawFn) -> dict[str, list[Change]]:
    """Two shards of changes: rows born and climbing, touches; several runs, days and tenants."""
    made: dict[str, list[Change]] = {}
    for shard in ("s0", "s1"):
        deltas = draw(
            st.lists(
                st.sampled_from(
                    [{"delivered": 1}, {"accepted": 1}, {"accepted": -1, "delivered": 1}, {"open": 1}, {"link:1": 1}]
                ),
                max_size=14,
            )
        )
        made[shard] = [
            change(n, d, draw(st.sampled_from(["r1", "r2"])), draw(st.sampled_from(["20260105", "20260106"])))
            for n, d in enumerate(deltas)
        ]
    return made


@st.composite
def deliveries(draw: st.DrawFn, stream: Mapping[str, Sequence[Change]]) -> list[Delivery]:
    """Batches as Lambda sends them: each shard in order, but a batch may come again, earlier, longer or shorter."""
    per_shard: list[list[Delivery]] = []
    for shard, changes in stream.items():
        sent: list[Delivery] = []
        done = 0
        while done < len(changes):
            start = draw(st.integers(0, done))
            end = draw(st.integers(done + 1, len(changes)))
            sent.append((shard, list(changes[start:end])))
            if draw(st.booleans()):
                again = draw(st.integers(0, end))
                sent.append((shard, list(reversed(changes[again : draw(st.integers(again, end))]))))
            done = end
        per_shard.append(sent)
    order = draw(st.permutations([i for i, sent in enumerate(per_shard) for _ in sent]))
    return [per_shard[i].pop(0) for i in order]


def recount(stream: Mapping[str, Sequence[Change]], run: str) -> dict[str, int]:
    sums: Tally[str] = Tally()
    for changes in stream.values():
        for one in changes:
            if one.run_id == run:
                for name, count in one.deltas.items():
                    sums[name] += count
    return {name: count for name, count in sums.items() if count}


@given(data=st.data())
def test_037_redelivered_bisected_and_reordered_batches_leave_the_sums_of_a_recount(data: st.DataObject) -> None:
    stream = data.draw(shards())
    store = MemoryCounters()
    for shard, batch in data.draw(deliveries(stream)):
        assert CounterService(store).count("activity", shard, batch) == []
    for run in ("r1", "r2"):
        assert store.totals("acme", run) == recount(stream, run)


class RacingStore(MemoryCounters):
    """Between a read and its write, another reader of the same shard (a zombie) delivers first."""

    def __init__(self, race: Callable[[], None]) -> None:
        super().__init__()
        self.race, self.racing = race, False

    def read(self, key: CounterKey) -> Counter | None:
        found = super().read(key)
        if not self.racing:
            self.racing = True
            self.race()
            self.racing = False
        return found


@given(data=st.data())
def test_037_two_readers_of_one_shard_at_once_count_nothing_twice(data: st.DataObject) -> None:
    changes = [change(n, {"delivered": 1}) for n in range(data.draw(st.integers(1, 8)))]
    ours, theirs = (data.draw(st.integers(1, len(changes))) for _ in range(2))
    store = RacingStore(lambda: None)
    store.race = lambda: CounterService(store).count("activity", "s0", changes[:theirs]) and None
    CounterService(store).count("activity", "s0", changes[:ours])
    assert store.totals("acme", "r1") == {"delivered": max(ours, theirs)}


def test_037_plain_addition_and_addition_below_the_end_are_both_wrong_after_another_end() -> None:
    changes = [change(n, {"delivered": 1}) for n in range(4)]
    first, again = changes[:2], changes[:4]
    plain = total(c.deltas for c in [*first, *again])
    below_end = total(c.deltas for c in [*first, *(again if first[-1].sequence < again[-1].sequence else [])])
    counter = advanced(advanced(None, first), again)
    assert plain == below_end == {"delivered": 6}
    assert counter is not None
    assert counter.sums == {"delivered": 4}


def test_037_a_shard_that_splits_goes_on_in_counters_of_its_children() -> None:
    store = MemoryCounters()
    service = CounterService(store)
    service.count("activity", "parent", [change(5, {"accepted": 1})])
    service.count("activity", "child", [change(6, {"accepted": -1, "delivered": 1})])
    service.count("activity", "parent", [change(5, {"accepted": 1})])
    assert store.totals("acme", "r1") == {"delivered": 1}


def test_a_counter_that_cannot_be_written_stops_no_other() -> None:
    class Sick(MemoryCounters):
        def write(self, key: CounterKey, counter: Counter, expected: str | None) -> bool:
            if key.run_id == "sick":
                raise Throttled("busy")
            return super().write(key, counter, expected)

    store = Sick()
    batch = [
        change(1, {"open": 1}),
        change(2, {"open": 1}, "sick"),
        change(3, {"open": 1}, "sick"),
        change(4, {"open": 1}),
    ]
    assert CounterService(store).count("activity", "s0", batch) == [batch[1].sequence]
    assert store.totals("acme", "r1") == {"open": 2}


def test_a_counter_that_others_always_win_is_left_for_the_next_delivery() -> None:
    class Lost(MemoryCounters):
        def write(self, key: CounterKey, counter: Counter, expected: str | None) -> bool:
            return False

    batch = [change(1, {"open": 1})]
    assert CounterService(Lost()).count("activity", "s0", batch) == [batch[0].sequence]
    with pytest.raises(Unavailable):
        CounterService(Lost())._advance(CounterKey("acme", "r1", "d", "a", "s"), batch)


def test_tenants_runs_days_and_shards_have_counters_of_their_own() -> None:
    batch = [change(1, {"open": 1}), change(2, {"open": 1}, day="20260106"), change(3, {"open": 1}, tenant="other")]
    assert len(by_counter("activity", "s0", batch)) == 3
    store = MemoryCounters()
    store.apply(batch)
    assert store.totals("acme", "r1") == {"open": 2}
    assert store.totals("other", "r1") == {"open": 1}
    assert store.totals("acm", "r1") == {}


@pytest.mark.parametrize(("old", "new"), [(None, "accepted"), ("accepted", "delivered"), ("delivered", "complained")])
def test_a_row_is_always_in_one_state(old: str | None, new: str) -> None:
    assert sum(row_deltas(old, new).values()) == (1 if old is None else 0)
    assert row_deltas(new, new) == {}


def test_a_click_on_a_link_needs_its_number() -> None:
    assert touch_deltas("link_click", 7) == {"link:7": 1}
    assert touch_deltas("click", 7) == {"click": 1, "link:7": 1}
    assert touch_deltas("click", None) == {"click": 1}
    assert touch_deltas("click", None) == {"click": 1}
    with pytest.raises(ValueError):
        touch_deltas("link_click", None)


@given(st.integers(0, 10**40 - 1), st.integers(0, 10**40 - 1))
def test_padded_numbers_sort_as_numbers(a: int, b: int) -> None:
    assert (padded(str(a)) < padded(str(b))) == (a < b)


@pytest.mark.parametrize("bad", ["", "1" * 41, "-1", "১২", "1.0"])
def test_what_is_no_sequence_number_is_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        padded(bad)
