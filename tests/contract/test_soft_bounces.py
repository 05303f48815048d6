"""Soft bounces behave alike in memory and on AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.soft_bounces import DynamoSoftBounces
from meghdoot.adapters.memory.messaging import MemorySendRows
from meghdoot.adapters.memory.soft_bounces import MemorySoftBounces
from meghdoot.areas.messaging.model import SendRow, State
from meghdoot.areas.messaging.ports import SendRows
from meghdoot.areas.messaging.soft_bounces import SoftBounceStore
from tests.contract.conftest import Substrate

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
Stores = tuple[SoftBounceStore, SendRows]


@pytest.fixture
def stores(substrate: Substrate) -> Stores:
    if substrate.is_memory:
        rows = MemorySendRows()
        return MemorySoftBounces(rows), rows
    calls, tables = BotoCalls(substrate.client("dynamodb")), substrate.tables
    return (
        DynamoSoftBounces(calls, tables["people"], tables["activity"]),
        DynamoSendRows(calls, tables["activity"], as_items=True),
    )


def row(n: int, at: datetime, state: State = "delivered", customer: str = "c1") -> SendRow:
    return SendRow("acme", customer, f"k{n}", f"{at - timedelta(hours=2):%Y%m%d%H%M}", state, "r1", 0, n, at, "ses")


def test_entries_are_kept_once_by_address_and_forgotten_by_name(stores: Stores) -> None:
    store = stores[0]
    assert store.add("acme", "k", "a", AT) == {"a"}
    assert store.add("acme", "k", "a", AT) == {"a"}
    assert store.add("acme", "k", "b", AT) == {"a", "b"}
    assert store.add("acme", "other", "c", AT) == {"c"}
    assert store.add("acme2", "k", "d", AT) == {"d"}
    store.forget("acme", "k", {"a", "none"})
    assert store.add("acme", "k", "b", AT) == {"b"}
    store.forget("acme", "k", {"b"})
    assert store.add("acme", "k", "e", AT) == {"e"}


def test_050_only_what_arrived_at_this_customer_since_then_counts_as_a_delivery(stores: Stores) -> None:
    store, rows = stores
    assert store.last_delivery("acme", "c1", AT) is None
    rows.born([
        row(1, AT - timedelta(seconds=1)), row(2, AT + timedelta(hours=1), "bounced"),
        row(3, AT + timedelta(hours=9), customer="c2"),
    ])  # fmt: skip
    assert store.last_delivery("acme", "c1", AT) is None
    rows.born([row(4, AT + timedelta(hours=2)), row(5, AT + timedelta(hours=1))])
    assert store.last_delivery("acme", "c1", AT) == AT + timedelta(hours=2)
    assert store.last_delivery("other", "c1", AT) is None
