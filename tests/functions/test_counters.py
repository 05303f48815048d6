"""The function `counters`: real stream records in, sums in the table out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from counters.app import handler, logger

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.counters import DynamoCounters
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.touches import DynamoTouches
from meghdoot.areas.analytics.model import Counter, CounterKey
from meghdoot.areas.messaging.model import SendRow, Touch
from meghdoot.kernel.errors import Malformed, Throttled, Unavailable
from tests.support.world import REGION, world

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/w-activity/stream/2026-01-01T00:00:00.000"
CREATED = 1767603600.0
AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as made:
        yield made


def totals(env: dict[str, str], run: str = "r1") -> dict[str, int]:
    calls = BotoCalls(boto3.client("dynamodb", region_name=REGION))
    return dict(DynamoCounters(calls, env["TABLE_WORK"]).totals("acme", run))


def record(sequence: int, name: str, sk: str, new: dict[str, Any] | None, old: dict[str, Any] | None = None) -> Any:
    images = {key: image for key, image in (("NewImage", new), ("OldImage", old)) if image is not None}
    return {
        "eventName": name,
        "eventSourceARN": ARN,
        "dynamodb": {
            "ApproximateCreationDateTime": CREATED,
            "Keys": {"pk": {"S": "acme#C#c1"}, "sk": {"S": sk}},
            "SequenceNumber": str(10**20 + sequence),
            **images,
        },
    }


def row(state: str, run: str = "r1") -> dict[str, Any]:
    return {"st": {"S": state}, "run": {"S": run}}


def touch(kind: str, link: int | None = None) -> dict[str, Any]:
    return {"tk": {"S": kind}, "run": {"S": "r1"}} | ({} if link is None else {"ln": {"N": str(link)}})


def event(*records: Any) -> dict[str, Any]:
    return {"Records": list(records), "shardId": "shardId-1", "eventSourceARN": ARN, "state": {}}


LIFE = (
    record(1, "INSERT", "SEND#202601050900#k1", row("accepted")),
    record(2, "MODIFY", "SEND#202601050900#k1", row("delivered"), row("accepted")),
    record(3, "INSERT", "SEND#202601050900#k2", row("bounced")),
    record(4, "INSERT", "TOUCH#k1#open", touch("open")),
    record(5, "INSERT", "TOUCH#k1#click", touch("click")),
    record(6, "INSERT", "TOUCH#k1#link_click#0003", touch("link_click", 3)),
    record(7, "INSERT", "CHUNK", {"r": {"S": "aaaa"}}),
    record(8, "INSERT", "E#2026-01-05T09:00:00.000Z#e1", {"doc": {"S": "{}"}}),
    record(9, "REMOVE", "SEND#202401050900#k0", None, row("delivered")),
)
SUMS = {"bounced": 1, "click": 1, "delivered": 1, "link:3": 1, "open": 1}


def test_rows_and_touches_are_counted_and_nothing_else(env: dict[str, str]) -> None:
    assert handler(event(*LIFE), None) == {"state": {}, "batchItemFailures": []}
    assert totals(env) == SUMS


def test_037_a_batch_that_comes_again_in_pieces_changes_nothing(env: dict[str, str]) -> None:
    handler(event(*LIFE[:4]), None)
    handler(event(*LIFE), None)
    handler(event(*LIFE[2:7]), None)
    handler(event(*reversed(LIFE)), None)
    assert totals(env) == SUMS


def test_a_record_that_cannot_be_read_is_reported_and_stops_no_other(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = record(5, "INSERT", "SEND#202601050900#k9", {"run": {"S": "r1"}})
    reported: list[Any] = []
    monkeypatch.setattr(logger, "error", lambda _message, extra: reported.append(extra))
    answer = handler(event(*LIFE[:4], poison, *LIFE[5:]), None)
    assert answer["batchItemFailures"] == []
    assert totals(env) == {name: count for name, count in SUMS.items() if name != "click"}
    assert reported == [{"shard": "shardId-1", "sequences": [poison["dynamodb"]["SequenceNumber"]]}]


def test_037_a_counter_that_cannot_be_written_brings_the_batch_back_without_counting_the_others_twice(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = record(10, "INSERT", "SEND#202601050900#k8", row("delivered", "r2"))
    write = DynamoCounters.write

    def busy(self: DynamoCounters, key: CounterKey, counter: Counter, expected: str | None) -> bool:
        if key.run_id == "r1":
            raise Throttled("busy")
        return write(self, key, counter, expected)

    monkeypatch.setattr(DynamoCounters, "write", busy)
    with pytest.raises(Unavailable):
        handler(event(*LIFE, other), None)
    assert (totals(env), totals(env, "r2")) == ({}, {"delivered": 1})
    monkeypatch.setattr(DynamoCounters, "write", write)
    handler(event(*LIFE, other), None)
    assert (totals(env), totals(env, "r2")) == (SUMS, {"delivered": 1})


def test_the_end_of_a_window_without_records_is_fine(env: dict[str, str]) -> None:
    closing = {**event(), "isFinalInvokeForWindow": True, "state": {"a": 1}}
    assert handler(closing, None) == {"state": {"a": 1}, "batchItemFailures": []}


def test_an_event_that_does_not_name_its_shard_is_refused_whole(env: dict[str, str]) -> None:
    plain = event(*LIFE)
    del plain["shardId"]
    with pytest.raises(Malformed):
        handler(plain, None)
    assert totals(env) == {}


def test_what_the_adapters_write_is_what_the_reader_counts(env: dict[str, str]) -> None:
    client = boto3.client("dynamodb", region_name=REGION)
    rows = DynamoSendRows(BotoCalls(client), env["TABLE_ACTIVITY"], as_items=True)
    touches = DynamoTouches(BotoCalls(client), env["TABLE_ACTIVITY"])
    sent = SendRow("acme", "c1", "k1", "202601050900", "accepted", "r1", 0, 0, AT, "ses")
    stages = [
        lambda: rows.born([sent]),
        lambda: rows.climb(replace(sent, state="delivered")),
        lambda: touches.touch(Touch("acme", "c1", "r1", "k1", "open", AT)),
        lambda: touches.touch(Touch("acme", "c1", "r1", "k1", "open", AT)),
        lambda: touches.touch(Touch("acme", "c1", "r1", "k1", "link_click", AT, link=2)),
        lambda: touches.touch(Touch("acme", "c1", "r1", "k1", "unsubscribe", AT, reason="too_frequent")),
    ]
    records, before = [], _items(client, env)
    for stage in stages:
        stage()
        after = _items(client, env)
        for sk in after:
            if after[sk] != before.get(sk):
                name = "MODIFY" if sk in before else "INSERT"
                records.append(record(len(records), name, sk, after[sk], before.get(sk)))
        before = after
    handler(event(*records), None)
    assert totals(env) == {"delivered": 1, "open": 1, "link:2": 1, "unsubscribe": 1}


def _items(client: Any, env: dict[str, str]) -> dict[str, Any]:
    return {item["sk"]["S"]: item for item in client.scan(TableName=env["TABLE_ACTIVITY"])["Items"]}
