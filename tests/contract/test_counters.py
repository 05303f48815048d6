"""Counters behave alike in memory and on AWS."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.counters import DynamoCounters, DynamoReputationMarks
from meghdoot.adapters.memory.counters import MemoryCounters, MemoryReputationMarks
from meghdoot.areas.analytics.counting import padded
from meghdoot.areas.analytics.model import WHOLE_TENANT, Counter, CounterKey
from meghdoot.areas.analytics.reputation_rules import Mark
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


def test_134_the_hours_of_a_tenant_add_up_shards_and_are_apart_from_its_runs(
    counters: MemoryCounters | DynamoCounters,
) -> None:
    for hour, shard in (("2026010508", "a"), ("2026010509", "a"), ("2026010509", "b")):
        key = CounterKey("acme", WHOLE_TENANT, hour, "s", shard)
        counters.write(key, Counter(padded("1"), {"delivered": 2, "bounced": 1}), None)
    counters.write(KEY, Counter(padded("1"), {"delivered": 9}), None)
    counters.write(
        CounterKey("acme2", WHOLE_TENANT, "2026010509", "s", "a"), Counter(padded("1"), {"bounced": 9}), None
    )
    assert counters.hours("acme", "2026010509") == {"2026010509": {"delivered": 4, "bounced": 2}}
    assert set(counters.hours("acme", "2026010500")) == {"2026010508", "2026010509"}
    assert counters.totals("acme", "r1") == {"delivered": 9}


def test_a_mark_comes_back_and_is_no_hour(substrate: Substrate) -> None:
    at = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    mark = Mark("acme", at, {"delivered": 3})
    if substrate.is_memory:
        marks: MemoryReputationMarks | DynamoReputationMarks = MemoryReputationMarks()
        hours = MemoryCounters().hours("acme", "2026010500")
    else:
        calls, table = BotoCalls(substrate.client("dynamodb")), substrate.tables["work"]
        marks = DynamoReputationMarks(calls, table)
        marks.put(mark)
        hours = DynamoCounters(calls, table).hours("acme", "2026010500")
    marks.put(mark)
    assert hours == {}
    assert marks.get("acme") == mark
    assert marks.get("other") is None
