"""The thin client says to AWS, and hears from it, what boto3 does."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls, CallError
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import AwsWire
from meghdoot.adapters.wire_services import DynamoWire, WireQueue, WireWriteOnce, confirm_subscription, secret_text
from meghdoot.kernel.clock import SystemClock
from meghdoot.kernel.errors import Unavailable
from tests.contract.conftest import REGION
from tests.support.tables import create_tables

pytestmark = pytest.mark.emulator


@pytest.fixture
def wire(emulator_url: str) -> AwsWire:
    return AwsWire(REGION, lambda: Credentials("testing", "testing", "token"), SystemClock(), emulator_url)


def boto(emulator_url: str, service: str) -> Any:
    return boto3.client(service, region_name=REGION, endpoint_url=emulator_url)


def test_the_database_answers_and_refuses_as_it_does_to_boto3(wire: AwsWire, emulator_url: str) -> None:
    client = boto(emulator_url, "dynamodb")
    table = create_tables(client, "wire")["people"]
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "7"}, "text": {"S": "বাংলা"}}
    put = {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    ours, theirs = DynamoWire(wire), BotoCalls(client)
    assert ours("PutItem", put) == {}
    read = {"TableName": table, "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}, "ConsistentRead": True}
    assert ours("GetItem", read)["Item"] == theirs("GetItem", read)["Item"] == item
    for operation, payload in {"PutItem": put, "TransactWriteItems": {"TransactItems": [{"Put": put}]}}.items():
        refusals = []
        for calls in (ours, theirs):
            with pytest.raises(CallError) as e:
                calls(operation, payload)
            refusals.append((e.value.code, e.value.reasons))
        assert refusals[0] == refusals[1]


def test_an_object_is_written_once(wire: AwsWire, emulator_url: str) -> None:
    client = boto(emulator_url, "s3")
    client.create_bucket(Bucket="wire-once")
    put = WireWriteOnce(wire)
    assert put("wire-once", "a/দিন b.json", b"one")
    assert not put("wire-once", "a/দিন b.json", b"two")
    assert client.get_object(Bucket="wire-once", Key="a/দিন b.json")["Body"].read() == b"one"
    with pytest.raises(Unavailable):
        put("no-such-bucket", "a", b"one")


def test_messages_reach_the_queue(wire: AwsWire, emulator_url: str) -> None:
    client = boto(emulator_url, "sqs")
    url = client.create_queue(QueueName="wire")["QueueUrl"]
    queue = WireQueue(wire, url)
    queue.send("হ্যালো")
    queue.send_many([f"m{n}" for n in range(12)])
    seen = set()
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            seen.add(message["Body"])
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert seen == {"হ্যালো", *(f"m{n}" for n in range(12))}


def test_a_secret_is_read(wire: AwsWire, emulator_url: str) -> None:
    boto(emulator_url, "secretsmanager").create_secret(Name="wire/keyring", SecretString=json.dumps({"a": 1}))
    assert json.loads(secret_text(wire, "wire/keyring")) == {"a": 1}
    with pytest.raises(Unavailable):
        secret_text(wire, "no/such")


def test_an_unknown_topic_is_not_confirmed(wire: AwsWire) -> None:
    with pytest.raises(Unavailable):
        confirm_subscription(wire, f"arn:aws:sns:{REGION}:000000000000:nowhere", "token")
