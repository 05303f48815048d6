"""Messages, rows and timers of single sends, wherever they live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.light_records import LightRecords
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.singles import COMPOSITION, DynamoSingleRows, DynamoSingles
from meghdoot.adapters.dynamodb.timers import DynamoSingleTimers
from meghdoot.adapters.memory.messaging import MemorySendRows
from meghdoot.adapters.memory.singles import (
    MemorySingleRows,
    MemorySingles,
    MemorySingleTimers,
    MemoryUrgentQueue,
    memory_compositions,
)
from meghdoot.adapters.queues import SqsUrgentQueue, parse_single
from meghdoot.areas.content.model import Footer, Link
from meghdoot.areas.messaging.model import RunContent, SendRow
from meghdoot.areas.messaging.ports import SendRows
from meghdoot.areas.messaging.singles.model import Composition, Single, SingleRef, SingleRow
from meghdoot.areas.messaging.singles.ports import Compositions, SingleRows, Singles, SingleTimers
from meghdoot.areas.messaging.singles.rules import key_of, minute_of
from meghdoot.kernel.errors import Malformed
from tests.contract.conftest import Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SINGLE = Single(
    "t1", "0" * 32, "f" * 64, "single-c", "tpl", 3, "c1", "email", "transactional", "otp", "bn", NOW,
    NOW + timedelta(minutes=15), daily_cap=None, address="rita@x.example", fields={"code": "৪৭১১", "lines": [1, {"a": None}]},
)  # fmt: skip
CALLED = SingleRow(
    "calling", NOW, "tok-1", 1, lease_until=1_800_000_000, mailed_at=1_767_600_000, mail_hash="h", provider="ses"
)


@dataclass
class Stores:
    singles: Singles
    rows: SingleRows
    words: SendRows
    timers: SingleTimers


@pytest.fixture
def stores(substrate: Substrate) -> Stores:
    if substrate.is_memory:
        words = MemorySendRows()
        return Stores(MemorySingles(), MemorySingleRows(words), words, MemorySingleTimers())
    calls, tables = BotoCalls(substrate.client("dynamodb")), substrate.tables
    items: dict[str, Any] = {"as_items": substrate.name == "moto"}
    return Stores(
        DynamoSingles(calls, tables["activity"]),
        DynamoSingleRows(calls, tables["activity"], **items),
        DynamoSendRows(calls, tables["activity"], **items),
        DynamoSingleTimers(calls, tables["work"]),
    )


def spoken(state: Any = "delivered", attempt: int = 1) -> SendRow:
    return SendRow(
        "t1", "c1", key_of(SINGLE), minute_of(SINGLE), state, "single-c", None, None, NOW + timedelta(seconds=9), "ses",
        "m-1", message_id=SINGLE.id, attempt=attempt,
    )  # fmt: skip


def test_a_message_is_stored_once_and_read_back_whole(stores: Stores) -> None:
    assert stores.singles.get(SINGLE.ref) is None
    assert stores.singles.add(SINGLE, NOW + timedelta(days=1)) is None
    other = replace(SINGLE, fingerprint="e" * 64, address="mallory@x.example", fields={})
    assert stores.singles.add(other, NOW) == SINGLE
    assert stores.singles.get(SINGLE.ref) == SINGLE
    assert stores.singles.get(SingleRef("t2", SINGLE.id)) is None


def test_a_row_is_claimed_by_one_and_recorded_by_its_token(stores: Stores) -> None:
    rows = stores.rows
    assert rows.get(SINGLE) is None
    assert rows.claim(SINGLE, CALLED, None)
    assert rows.claim(SINGLE, CALLED, None), "a repeated claim recognises its own work"
    assert not rows.claim(SINGLE, replace(CALLED, token="tok-2"), None)
    assert rows.get(SINGLE) == CALLED
    parked = replace(CALLED, state="unknown", doubts=1, parked_at=1_800_000_100, reason="503")
    assert not rows.record(SINGLE, replace(parked, token="tok-2"))
    assert rows.record(SINGLE, parked)
    again = replace(parked, state="calling", token="tok-3", attempt=2, reason=None)
    assert not rows.claim(SINGLE, again, CALLED), "a claim over what has changed since it was read"
    assert rows.claim(SINGLE, again, parked)
    assert not rows.record(SINGLE, replace(CALLED, state="accepted")), "the owner before"
    assert rows.record(SINGLE, replace(again, state="accepted", provider_id="m-2"))
    assert rows.get(SINGLE) == replace(again, state="accepted", provider_id="m-2")


def test_the_providers_word_raises_the_row_and_no_owner_lowers_it(stores: Stores) -> None:
    assert stores.rows.claim(SINGLE, CALLED, None)
    assert stores.words.born([spoken()]) == [False]
    assert stores.words.climb(spoken())
    assert not stores.words.climb(spoken("accepted"))
    row = stores.rows.get(SINGLE)
    assert row is not None
    assert (row.state, row.heard_attempt, row.token, row.is_over) == ("delivered", 1, "tok-1", True)
    assert not stores.rows.record(SINGLE, replace(CALLED, state="pending"))
    assert not stores.rows.claim(SINGLE, replace(CALLED, token="tok-2", attempt=2), CALLED)
    (read,) = stores.words.get_many("t1", [("c1", minute_of(SINGLE), key_of(SINGLE))]).values()
    assert (read.state, read.chunk, read.message_id, read.attempt) == ("delivered", None, SINGLE.id, 1)


@pytest.mark.parametrize("state", ["failed", "skipped", "unknown", "pending"])
def test_the_providers_word_stands_above_every_word_of_ours(stores: Stores, state: Any) -> None:
    assert stores.rows.claim(SINGLE, replace(CALLED, state=state, settled=True), None)
    assert stores.words.climb(spoken("bounced", attempt=2))
    row = stores.rows.get(SINGLE)
    assert row is not None
    assert (row.state, row.heard_attempt) == ("bounced", 2)


def test_a_row_that_the_provider_gave_birth_to_is_claimed_by_nobody(stores: Stores) -> None:
    assert stores.words.born([spoken()]) == [True]
    assert not stores.rows.claim(SINGLE, CALLED, None)
    row = stores.rows.get(SINGLE)
    assert row is not None
    assert row.is_over


def test_looks_come_when_they_are_due_until_they_are_done(stores: Stores) -> None:
    timers = stores.timers
    first, later = NOW + timedelta(seconds=61, microseconds=5), NOW + timedelta(minutes=9)
    timers.set("t1", "m1", first)
    timers.set("t1", "m1", first)
    timers.set("t2", "m2", later)
    assert timers.due(NOW + timedelta(minutes=1)) == []
    assert timers.due(NOW + timedelta(minutes=2)) == [("t1", "m1", first)]
    timers.set("t1", "m1", later)
    timers.done("t1", "m1", first)
    timers.done("t1", "m1", first)
    assert sorted(timers.due(NOW + timedelta(minutes=10))) == [("t1", "m1", later), ("t2", "m2", later)]


@pytest.fixture
def compositions(substrate: Substrate) -> Compositions:
    if substrate.is_memory:
        return memory_compositions()
    calls = BotoCalls(substrate.client("dynamodb"))
    return LightRecords(calls, substrate.tables["definitions"], Composition, COMPOSITION)


def test_a_composition_is_read_back_whole(compositions: Compositions) -> None:
    content = RunContent(
        "tpl", 3, "Order {{code}}", "অর্ডার", "Shop", "shop@x.example", None, ("en", "bn"), "bn",
        Footer("Shop", "1 Road", None), "https://m.example", links=(Link(1, "https://x.example/?a=1&b=2"),),
    )  # fmt: skip
    kept = Composition("t1", "single-c", "transactional", content, NOW)
    compositions.add(kept)
    assert compositions.get("t1", "single-c") == kept


def test_references_go_through_the_urgent_queue(substrate: Substrate) -> None:
    refs = [SingleRef("t1", f"{n:032x}") for n in range(12)]
    if substrate.is_memory:
        memory = MemoryUrgentQueue()
        memory.put(refs, delay_seconds=3)
        assert memory.take() == refs
        return
    client = substrate.client("sqs")
    url = client.create_queue(QueueName="urgent")["QueueUrl"]
    SqsUrgentQueue(client, url).put(refs)
    found: list[SingleRef] = []
    while batch := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [parse_single(message["Body"]) for message in batch]
    assert sorted(ref.message_id for ref in found) == [ref.message_id for ref in refs]


@pytest.mark.parametrize(
    "body", ["x", "{}", '{"v": 2, "tenant": "t", "message_id": "m"}', '{"v": 1, "tenant": "t", "message_id": 7}']
)
def test_034_a_message_of_another_shape_is_refused(body: str) -> None:
    with pytest.raises(Malformed):
        parse_single(body)
