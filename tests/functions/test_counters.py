"""The function `counters`: real stream records in, sums in the table out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from counters.app import handler

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.counters import DynamoCounters
from meghdoot.kernel.errors import Malformed
from tests.support.world import REGION, world

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/w-activity/stream/2026-01-01T00:00:00.000"
CREATED = 1767603600.0


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


def test_a_record_that_cannot_be_read_comes_again_and_stops_no_other(env: dict[str, str]) -> None:
    poison = record(5, "INSERT", "SEND#202601050900#k9", {"run": {"S": "r1"}})
    answer = handler(event(*LIFE[:4], poison, *LIFE[5:]), None)
    assert answer["batchItemFailures"] == [{"itemIdentifier": poison["dynamodb"]["SequenceNumber"]}]
    assert totals(env) == {name: count for name, count in SUMS.items() if name != "click"}


def test_the_end_of_a_window_without_records_is_fine(env: dict[str, str]) -> None:
    closing = {**event(), "isFinalInvokeForWindow": True, "state": {"a": 1}}
    assert handler(closing, None) == {"state": {"a": 1}, "batchItemFailures": []}


def test_an_event_that_does_not_name_its_shard_is_refused_whole(env: dict[str, str]) -> None:
    plain = event(*LIFE)
    del plain["shardId"]
    with pytest.raises(Malformed):
        handler(plain, None)
    assert totals(env) == {}
