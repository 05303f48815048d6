"""The function `deliveries`: files of a delivery stream in, rows of sends out, on a whole deployment in process."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from deliveries.app import handler, logger
from receipts.app import handler as receipts

from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.areas.messaging.model import SendRow
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.areas.messaging.rules.keys import send_key
from meghdoot.kernel.errors import Throttled
from meghdoot.wiring import aws, messaging
from tests.support.world import world

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "ses_12_Delivery.json").read_text())
RUN, MINUTE = "0190a000-0000-7000-8000-000000000001", "202601050900"
FILE = "deliveries/2026/01/05/09/meghdoot-dev-deliveries-1-2026-01-05-09-00-00-aa.gz"


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as made:
        monkeypatch.setenv("DELIVERY_EVENTS", "firehose")
        aws.forget()
        yield made


def delivery(n: int) -> dict[str, Any]:
    """The recorded notification of a delivery, with our tags, as a configuration set's event destination tells it."""
    tags = {
        "tenant": "acme", "run": RUN, "chunk": "0", "index": str(n), "customer": f"c{n}",
        "key": send_key(RUN, "email", f"c{n}"), "minute": MINUTE,
    }  # fmt: skip
    mail = {**RECORDED["mail"], "messageId": f"p{n}", "timestamp": "2026-01-05T09:00:00.000Z"}
    mail["tags"] = {name: [value] for name, value in tags.items()}
    told = {**RECORDED["delivery"], "timestamp": "2026-01-05T09:00:02.000Z"}
    return {"eventType": "Delivery", "mail": mail, "delivery": told}


def put(env: dict[str, str], *lines: str | bytes, key: str = FILE, packed: bool = True) -> None:
    body = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
    stored = gzip.compress(body) if packed else body
    boto3.client("s3").put_object(Bucket=env["BUCKET_LAKE"], Key=key, Body=stored)


def named(env: dict[str, str], *keys: str) -> dict[str, Any]:
    """The event of a queue to which EventBridge brings S3's word."""
    records = [
        {
            "messageId": f"m{n}", "receiptHandle": "r", "attributes": {}, "messageAttributes": {}, "md5OfBody": "",
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:deliveries",
            "awsRegion": "us-east-1",
            "body": json.dumps({
                "detail-type": "Object Created", "source": "aws.s3",
                "detail": {"bucket": {"name": env["BUCKET_LAKE"]}, "object": {"key": key, "size": 1}},
            }),
        }
        for n, key in enumerate(keys)
    ]  # fmt: skip
    return {"Records": records}


def files(env: dict[str, str]) -> list[str]:
    return [o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket=env["BUCKET_LAKE"]).get("Contents", [])]


def states(people: int) -> dict[str, str]:
    keys = [(f"c{n}", MINUTE, send_key(RUN, "email", f"c{n}")) for n in range(people)]
    return {row.customer_id: row.state for row in messaging.rows().get_many("acme", keys).values()}


def test_a_file_of_deliveries_raises_rows_and_the_watermark_and_is_gone(env: dict[str, str]) -> None:
    put(env, *(json.dumps(delivery(n)) for n in range(30)))
    assert handler(named(env, FILE), None) == {"batchItemFailures": []}
    assert states(30) == {f"c{n}": "delivered" for n in range(30)}
    assert messaging.evidence().watermark("ses") == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    assert files(env) == [], "a read file holds addresses"


def test_a_file_that_comes_twice_changes_nothing_the_second_time(env: dict[str, str]) -> None:
    lines = [json.dumps(delivery(n)) for n in range(3)]
    put(env, *lines)
    # When its message comes again after it is gone, and when the stream itself writes the same events again
    for _ in range(2):
        assert handler(named(env, FILE), None) == {"batchItemFailures": []}
    put(env, *lines, packed=False)
    assert handler(named(env, FILE), None) == {"batchItemFailures": []}
    # Then there is one row a person
    items = boto3.client("dynamodb").scan(TableName=env["TABLE_ACTIVITY"])["Items"]
    assert len([item for item in items if item["sk"]["S"].startswith("SEND#")]) == 3


def test_030_a_poison_line_is_put_aside_by_its_position_and_stops_nothing(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(logger, "error", lambda _message, extra: reported.append(extra))
    no_mail = json.dumps({"eventType": "Delivery", "delivery": {}})
    put(env, json.dumps(delivery(0)), "{half a line", b"\xff\xfe", "", no_mail, json.dumps(delivery(1)))
    assert handler(named(env, FILE), None) == {"batchItemFailures": []}
    assert states(2) == {"c0": "delivered", "c1": "delivered"}
    assert reported == [{"file": FILE, "at": [2, 3, 5]}]
    (aside,) = files(env)
    assert aside.startswith("deliveries-unread/")
    kept = boto3.client("s3").get_object(Bucket=env["BUCKET_LAKE"], Key=aside)["Body"].read().split(b"\n")
    assert kept == [b"{half a line", b"\xff\xfe", no_mail.encode(), b""]


def test_a_part_that_fails_brings_the_file_back_and_the_rest_is_recorded_once(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    born = DynamoSendRows.born

    def busy(self: DynamoSendRows, rows: list[SendRow]) -> list[bool]:
        if any(row.customer_id == "c1" for row in rows):
            raise Throttled("busy")
        return born(self, rows)

    put(env, *(json.dumps(delivery(n)) for n in range(3)))
    monkeypatch.setattr(DynamoSendRows, "born", busy)
    assert handler(named(env, FILE), None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert (states(3), files(env)) == ({"c0": "delivered", "c2": "delivered"}, [FILE])
    monkeypatch.setattr(DynamoSendRows, "born", born)
    assert handler(named(env, FILE), None) == {"batchItemFailures": []}
    assert (states(3), files(env)) == ({f"c{n}": "delivered" for n in range(3)}, [])


def test_a_file_that_breaks_off_fails_alone_after_what_could_be_read(env: dict[str, str]) -> None:
    whole = gzip.compress("".join(json.dumps(delivery(n)) + "\n" for n in range(2000)).encode(), compresslevel=0)
    broken = FILE.replace("aa", "bb")
    boto3.client("s3").put_object(Bucket=env["BUCKET_LAKE"], Key=broken, Body=whole[: len(whole) // 2])
    put(env, json.dumps(delivery(9)))
    assert handler(named(env, broken, FILE), None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert states(10)["c9"] == "delivered"
    assert files(env) == [broken]


def test_a_file_of_rubbish_stays_where_it_is(env: dict[str, str]) -> None:
    put(env, *(["rubbish"] * 1001))
    assert handler(named(env, FILE), None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert files(env) == [FILE]


@pytest.mark.parametrize("key", ["archive/acme/2026-01-05/sends/x.jsonl.gz", "", 7])
def test_only_files_of_deliveries_are_read(env: dict[str, str], key: Any) -> None:
    put(env, json.dumps(delivery(0)), key="archive/acme/2026-01-05/sends/x.jsonl.gz")
    assert handler(named(env, key), None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    foreign = named({**env, "BUCKET_LAKE": "another"}, FILE)
    assert handler(foreign, None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_events_are_recorded_by_five_hundred(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[int] = []
    record = ReceiptService.record

    def counted(self: ReceiptService, facts: Any) -> Any:
        together.append(len(facts))
        return record(self, facts[:1])

    monkeypatch.setattr(ReceiptService, "record", counted)
    put(env, *(json.dumps(delivery(n)) for n in range(1100)))
    handler(named(env, FILE), None)
    assert together == [500, 500, 100]


def test_the_topic_no_longer_moves_the_watermark_of_deliveries(env: dict[str, str]) -> None:
    # Given that deliveries come in files, then a bounce by the topic proves nothing about their way
    told = {
        **delivery(4), "eventType": "Bounce",
        "bounce": {"bounceType": "Transient", "timestamp": "2026-01-05T09:00:02.000Z", "bouncedRecipients": []},
    }  # fmt: skip
    event = named(env, FILE)
    event["Records"][0]["body"] = json.dumps({"Type": "Notification", "MessageId": "s1", "Message": json.dumps(told)})
    assert receipts(event, None) == {"batchItemFailures": []}
    assert states(5) == {"c4": "bounced"}
    assert messaging.evidence().watermark("ses") is None
