"""The database of the benches keeps the rules that the send protocol stands on, and the meter weighs by the published rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls, CallError
from meghdoot.adapters.dynamodb.chunks import DynamoChunks
from meghdoot.adapters.dynamodb.gates import DynamoGates
from meghdoot.adapters.dynamodb.pacer import DynamoRateBook, DynamoTallies
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.areas.consent.model import Suppression
from meghdoot.areas.messaging.model import Chunk, ClaimRequest, SendRow
from meghdoot.areas.messaging.pacing_model import FrameName
from tests.bench.aws_meter import AwsMeter

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GATE = {
    "pk": {"S": "t1#C#c1"}, "sk": {"S": "GATE"}, "v": {"N": "1"}, "c": {"SS": ["em:m", "sm:m"]}, "k": {"S": ""},
}  # fmt: skip


def test_a_claim_counts_once_and_is_refused_when_consent_is_gone() -> None:
    aws = AwsMeter()
    aws.dynamo.put("people", GATE)
    gates = DynamoGates(aws.calls, "people")
    request = ClaimRequest("t1", "c1", 1, "em:m", "key:0:0")
    assert gates.claim([request])[0].claimed
    assert gates.claim([request])[0].claimed, "it recognises its own work"
    other = gates.claim([replace(request, counted="other:0:0")])[0]
    assert not other.claimed
    assert other.gate.version == 2
    assert DynamoSuppressions(aws.calls, "people").add(Suppression("t1", "k", "email", "complaint", NOW), "c1")
    refused = gates.claim([replace(request, expected_version=3)])[0]
    assert not refused.claimed
    assert refused.gate.suppressed == {"em"}
    assert refused.gate.granted == {"sm:m"}


def test_a_chunk_has_one_owner_and_an_old_token_is_fenced_off() -> None:
    chunks = DynamoChunks(AwsMeter().calls, "activity")
    chunk = Chunk("t1", "r1", 0, "..")
    assert chunks.create(chunk)
    assert not chunks.create(chunk)
    mine = chunks.take(chunk, "me", 100)
    assert mine is not None
    assert mine.token == "me"
    assert chunks.take(chunk, "you", 100) is None
    assert chunks.mark(replace(mine, letters="aa"), 0)
    assert not chunks.mark(replace(mine, token="old"), 0)


def test_rows_are_born_once_and_only_climb() -> None:
    aws = AwsMeter()
    rows = DynamoSendRows(aws.calls, "activity")
    row = SendRow("t1", "c1", "key", "202603010000", "delivered", "r1", 0, 0, NOW, "ses")
    assert rows.born([row, replace(row, send_key="two")]) == [True, True]
    assert rows.born([row]) == [False]
    assert rows.climb(replace(row, state="complained"))
    assert not rows.climb(row)


def test_combs_of_slots_are_taken_once_and_tallies_keep_their_limit() -> None:
    aws = AwsMeter()
    book, frame = DynamoRateBook(aws.calls, "work"), FrameName("ses#account", 100.0, 7)
    assert book.claim(frame, [0, 3], "one", 9)[0]
    done, page = book.claim(frame, [3, 4], "two", 9)
    assert (done, page.taken, page.words) == (False, {0, 3}, {"one"})
    assert book.claim(frame, [4], "two", 9)[0]
    book.wait(frame.line, "a.1", 9)
    book.wait(frame.line, "b.1", 9)
    book.forget(frame.line, ["a.1"])
    (page,), waiting = book.look([frame])
    assert (page.taken, page.words, waiting) == ({0, 3, 4}, {"one", "two"}, {"b.1"})
    tallies = DynamoTallies(aws.calls, "work")
    assert [tallies.take("k", 40, 100, 9) for _ in range(4)] == [40, 40, 20, 0]


def test_writes_are_weighed_by_the_larger_item_and_refusals_cost_too() -> None:
    aws = AwsMeter()
    put = {"TableName": "x-people", "Item": {"pk": {"S": "a"}, "sk": {"S": "DOC"}, "d": {"S": "x" * 1500}}}
    aws.calls("PutItem", put)
    with pytest.raises(CallError):
        aws.calls("PutItem", {**put, "ConditionExpression": "attribute_not_exists(pk)"})
    small = {"pk": {"S": "a"}, "sk": {"S": "DOC"}}
    aws.calls("PutItem", {**put, "Item": small})
    aws.calls("GetItem", {"TableName": "x-people", "Key": small})
    assert aws.usage.write_units == {"PutItem people DOC": 6}
    assert aws.usage.read_units == {"people": 0.5}
    assert aws.reset().totals == {"dynamodb_requests": 4, "write_units": 6, "read_units": 0.5}


def test_boto3_is_served_by_the_same_account(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = AwsMeter()
    aws.serve_botocore(monkeypatch)
    keys = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    calls = BotoCalls(boto3.client("dynamodb", **keys))
    put = {"TableName": "people", "Item": GATE, "ConditionExpression": "attribute_not_exists(pk)"}
    calls("PutItem", put)
    with pytest.raises(CallError) as refused:
        calls("PutItem", put)
    assert refused.value.code == "ConditionalCheckFailedException"
    boto3.client("s3", **keys).put_object(Bucket="lake", Key="a/b", Body=b"one")
    assert boto3.client("s3", **keys).get_object(Bucket="lake", Key="a/b")["Body"].read() == b"one"
    url = "https://sqs.us-east-1.amazonaws.com/1/q"
    boto3.client("sqs", **keys).send_message(QueueUrl=url, MessageBody="hello")
    assert aws.queued[url] == ["hello"]
    assert aws.usage.totals["sqs_requests"] == 1
    assert aws.usage.totals["s3_requests"] == 2
