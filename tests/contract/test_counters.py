"""Counters behave alike in memory and on AWS."""

from __future__ import annotations

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.counters import DynamoCounters
from meghdoot.adapters.memory.counters import MemoryCounters
from meghdoot.areas.analytics.counting import padded
from meghdoot.areas.analytics.model import Counter, CounterKey
from tests.contract.conftest import Substrate

KEY = CounterKey("acme", "r1", "20260105", "2026-01-01T00:00:00.000", "shardId-00000001")
FORTY = "9" * 40


@pytest.fixture
def counters(substrate: Substrate) -> MemoryCounters | DynamoCounters:
    if substrate.is_memory:
        return MemoryCounters()
    return DynamoCounters(BotoCalls(substrate.client("dynamodb")), substrate.tables["work"])


def test_a_counter_is_written_only_where_it_is_still_what_was_read(counters: MemoryCounters | DynamoCounters) -> None:
    first, second = Counter(padded("1"), {"open": 1}), Counter(padded("2"), {"open": 2})
    assert counters.read(KEY) is None
    assert not counters.write(KEY, second, padded("1"))
    assert counters.write(KEY, first, None)
    assert not counters.write(KEY, second, None)
    assert counters.write(KEY, second, padded("1"))
    assert not counters.write(KEY, first, padded("1"))
    assert counters.read(KEY) == second


def test_a_sequence_number_of_forty_digits_is_kept_to_the_last(counters: MemoryCounters | DynamoCounters) -> None:
    counters.write(KEY, Counter(FORTY, {"link:12": 3, "delivered": -1}), None)
    assert counters.read(KEY) == Counter(FORTY, {"link:12": 3, "delivered": -1})


def test_totals_add_up_days_streams_and_shards_of_one_run(counters: MemoryCounters | DynamoCounters) -> None:
    for n in range(3):
        key = CounterKey("acme", "r1", f"2026010{n + 1}", "s", f"shard-{n}")
        counters.write(key, Counter(padded("1"), {"delivered": 2, "accepted": 1 - n}), None)
    counters.write(CounterKey("acme", "r10", "20260105", "s", "x"), Counter(padded("1"), {"open": 9}), None)
    counters.write(CounterKey("acme1", "r1", "20260105", "s", "x"), Counter(padded("1"), {"open": 9}), None)
    assert counters.totals("acme", "r1") == {"delivered": 6}
    assert counters.totals("acme", "none") == {}
