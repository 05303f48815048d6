"""Idempotency keys behave alike wherever they are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.idempotency import DynamoIdempotency
from meghdoot.adapters.memory.idempotency import MemoryIdempotency
from meghdoot.kernel.idempotency import IdempotencyStore, Remembered
from tests.contract.conftest import Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)
DAY = NOW + timedelta(hours=24)


@pytest.fixture
def store(substrate: Substrate) -> IdempotencyStore:
    if substrate.is_memory:
        return MemoryIdempotency()
    return DynamoIdempotency(BotoCalls(substrate.client("dynamodb")), substrate.tables["work"])


def test_006_only_the_first_of_two_takes_the_key(store: IdempotencyStore) -> None:
    assert store.begin("acme", "k", "f1", "t1", now=NOW, until=SOON) is None
    assert store.begin("acme", "k", "f1", "t2", now=NOW, until=SOON) == Remembered("f1", None)


def test_006_the_answer_is_kept_with_the_request_it_belongs_to(store: IdempotencyStore) -> None:
    store.begin("acme", "k", "f1", "t1", now=NOW, until=SOON)
    store.finish("acme", "k", "f1", "t1", answer='["ঈদ 🌙"]', until=DAY)
    assert store.begin("acme", "k", "f2", "t2", now=NOW, until=SOON) == Remembered("f1", '["ঈদ 🌙"]')


def test_007_a_key_is_free_again_when_its_time_is_over(store: IdempotencyStore) -> None:
    store.begin("acme", "k", "f1", "t1", now=NOW, until=SOON)
    store.finish("acme", "k", "f1", "t1", answer="[]", until=DAY)
    assert store.begin("acme", "k", "f2", "t2", now=DAY - timedelta(seconds=1), until=DAY) is not None
    assert store.begin("acme", "k", "f2", "t2", now=DAY, until=DAY + timedelta(minutes=1)) is None


def test_006_a_released_key_may_be_taken_by_anybody(store: IdempotencyStore) -> None:
    store.begin("acme", "k", "f1", "t1", now=NOW, until=SOON)
    store.release("acme", "k", "t1")
    assert store.begin("acme", "k", "f2", "t2", now=NOW, until=SOON) is None


def test_006_who_lost_a_key_changes_nothing_of_it(store: IdempotencyStore) -> None:
    store.begin("acme", "k", "f1", "t1", now=NOW, until=SOON)
    store.begin("acme", "k", "f2", "t2", now=SOON, until=DAY)
    store.finish("acme", "k", "f1", "t1", answer="[]", until=DAY)
    store.release("acme", "k", "t1")
    assert store.begin("acme", "k", "f2", "t3", now=SOON, until=DAY) == Remembered("f2", None)


def test_019_a_key_of_another_tenant_is_another_key(store: IdempotencyStore) -> None:
    store.begin("t1", "k", "f1", "t1", now=NOW, until=SOON)
    assert store.begin("t10", "k", "f1", "t2", now=NOW, until=SOON) is None
