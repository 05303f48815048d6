"""From the tables' streams through archive and compactor to a segment's count, on moto."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from archive.app import handler as archive
from tasks.segment_refresh import handler as refresh

from meghdoot.adapters.dynamodb.batches import Batches
from meghdoot.adapters.dynamodb.customers import DynamoCustomers
from meghdoot.adapters.dynamodb.events import DynamoEvents
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.tenants import dynamo_tenants
from meghdoot.adapters.dynamodb.touches import DynamoTouches
from meghdoot.areas.customers.model import Customer, Event
from meghdoot.areas.messaging.model import SendRow, Touch
from meghdoot.areas.segments.service import SegmentDraft
from meghdoot.areas.tenants.model import Tenant
from meghdoot.kernel.errors import Malformed, NotFound
from meghdoot.kernel.money import Money
from meghdoot.wiring import aws, lake
from tests.support import streams
from tests.support.world import world

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KINDS = ("customers", "events", "sends", "touches")
BUYERS = {"conditions": [{"field": "purchase_count", "operator": "greater_than", "value": 0}], "logic": "AND"}


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as env:
        model = aws.bound(DocumentItem, env["TABLE_DEFINITIONS"])
        dynamo_tenants(model).add(
            Tenant(
                "t1",
                "Shop",
                "1 Road",
                None,
                "Asia/Dhaka",
                "BDT",
                None,
                7,
                "bn",
                False,
                False,
                None,
                None,
                True,
                NOW,
                NOW,
            )
        )
        yield env


def batch(records: list[dict[str, Any]], shard: str = "shardId-1") -> dict[str, Any]:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/w-people/stream/2026-01-01T00:00:00.000"
    return {"Records": records, "shardId": shard, "eventSourceARN": arn, "state": {}}


def customer(n: int) -> Customer:
    return Customer(
        "t1", f"c{n}", NOW, NOW, email=f"secret{n}@example.com", phone="+8801712345678", first_name="Rahima"
    )


def purchase(n: int) -> Event:
    at = aws.clock().now() - timedelta(days=1)
    return Event("t1", f"e{n}", f"c{n}", "purchase", at, at, Money(100, "BDT"), "o1")


def objects() -> dict[str, bytes]:
    return {found.key: lake.store().get(found.key) for found in lake.store().list("")}


def readable(key: str, body: bytes, folder: Path) -> bytes:
    if not key.endswith(".parquet"):
        return gzip.decompress(body) if key.endswith(".gz") else body
    (folder / "read.parquet").write_bytes(body)
    rows = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(folder / "read.parquet")]).fetchall()
    assert rows
    return repr(rows).encode()


def test_people_and_purchases_reach_a_segments_count(env: dict[str, str]) -> None:
    # Given people and purchases in the streams
    answer = archive(batch([streams.profile(customer(n)) for n in range(3)] + [streams.event(purchase(1))]), None)
    assert answer == {"state": {}, "batchItemFailures": []}
    made = lake.segments().create("t1", "u1", SegmentDraft("Buyers", BUYERS))
    # When the machine's two steps run
    compacted = refresh({"op": "compact", "tenant": "t1"}, None)
    counted = refresh({"op": "count", "tenant": "t1", "segment_id": made.id}, None)
    # Then the segment knows how many, and on which snapshot
    assert (compacted["customers"], compacted["events"]) == (3, 1)
    assert counted["customer_count"] == 1
    assert lake.segments().get("t1", made.id).snapshot_id == compacted["snapshot_id"] == counted["snapshot_id"]


def test_no_address_phone_or_name_reaches_the_lake(env: dict[str, str], tmp_path: Path) -> None:
    archive(batch([streams.profile(customer(1))]), None)
    refresh({"op": "compact", "tenant": "t1"}, None)
    for key, body in objects().items():
        text = readable(key, body, tmp_path)
        assert all(secret not in text for secret in (b"secret1", b"8801712345678", b"Rahima")), key


def test_the_same_batch_again_overwrites_itself(env: dict[str, str]) -> None:
    records = [streams.profile(customer(1)), streams.event(purchase(1))]
    archive(batch(records), None)
    once = objects()
    archive(batch(records), None)
    assert objects() == once
    archive(batch([*records, streams.event(purchase(2))]), None)
    assert objects().keys() == once.keys()


def test_a_poison_record_is_named_and_what_stood_before_it_is_kept(env: dict[str, str]) -> None:
    poison = streams.profile(customer(2))
    poison["dynamodb"]["NewImage"]["doc"] = {"S": "not json"}
    records = [streams.profile(customer(1)), poison, streams.profile(customer(3))]
    answer = archive(batch(records), None)
    assert answer["batchItemFailures"] == [{"itemIdentifier": poison["dynamodb"]["SequenceNumber"]}]
    # Given up by the mapping, it no longer stands before the rest
    archive(batch(records[2:]), None)
    assert refresh({"op": "compact", "tenant": "t1"}, None)["customers"] == 2


def test_an_event_without_its_shard_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        archive({"Records": [streams.profile(customer(1))]}, None)
    assert objects() == {}


def test_the_end_of_a_window_without_records_is_fine(env: dict[str, str]) -> None:
    assert archive(batch([]), None)["batchItemFailures"] == []


def test_what_is_not_kept_in_the_lake_is_passed_over(env: dict[str, str]) -> None:
    gate = streams.profile(customer(1))
    gate["dynamodb"]["Keys"]["sk"]["S"] = "GATE"
    expired = streams.event(purchase(1)) | {"eventName": "REMOVE"}
    archive(batch([gate, expired]), None)
    assert objects() == {}


def test_a_step_that_is_not_known_or_a_segment_that_is_gone_fails_the_machine(env: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        refresh({"op": "dance", "tenant": "t1"}, None)
    with pytest.raises(NotFound):
        refresh({"op": "count", "tenant": "t1", "segment_id": "none"}, None)


def test_an_archived_line_is_json(env: dict[str, str]) -> None:
    archive(batch([streams.profile(customer(7))]), None)
    (key,) = objects()
    assert key.startswith("archive/t1/2026-03-01/customers/w-people-shardId-1-")
    line = json.loads(gzip.decompress(objects()[key]))
    assert (line["id"], line["has_email"], "email" in line) == ("c7", True, False)


def stream_of(table: str) -> list[dict[str, Any]]:
    client = boto3.client("dynamodbstreams", region_name="us-east-1")
    arn = client.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return list(client.get_records(ShardIterator=iterator["ShardIterator"])["Records"])


def test_what_the_adapters_store_is_what_the_archive_reads(env: dict[str, str]) -> None:
    # Given a person, a purchase, a send row and a click, stored as the services store them
    people = DynamoCustomers(aws.calls(), env["TABLE_PEOPLE"])
    people.create(customer(1), {})
    DynamoEvents(Batches(aws.calls(), env["TABLE_ACTIVITY"], by_items=True)).add_many([purchase(1)])
    rows = DynamoSendRows(aws.calls(), env["TABLE_ACTIVITY"], as_items=True)
    rows.born([SendRow("t1", "c1", "k1", "202603011200", "delivered", "r1", 0, 0, NOW, "ses")])
    touches = DynamoTouches(aws.calls(), env["TABLE_ACTIVITY"])
    touches.touch(Touch("t1", "c1", "r1", "k1", "click", NOW))
    # When their streams are archived and compacted
    for table in ("TABLE_PEOPLE", "TABLE_ACTIVITY"):
        assert archive(batch(stream_of(env[table]), table), None)["batchItemFailures"] == []
    refresh({"op": "compact", "tenant": "t1"}, None)
    # Then the lake holds one of each
    with lake.lake().open("t1", KINDS) as (connection, _):
        found = {k: connection.execute(f"SELECT count(*) FROM {k}").fetchone()[0] for k in KINDS}
    assert found == dict.fromkeys(KINDS, 1)
    # And none after the person was erased
    people.delete(customer(1), {})
    archive(batch(stream_of(env["TABLE_PEOPLE"]), "later"), None)
    with lake.lake().open("t1", KINDS) as (connection, _):
        assert [connection.execute(f"SELECT count(*) FROM {k}").fetchone()[0] for k in KINDS] == [0] * 4
