"""The fast functions with the real thin client, against the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from public.app import handler as public
from webhooks.app import handler as webhooks

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.gate_items import gate_key
from meghdoot.adapters.dynamodb.run_links import DynamoRunLinks
from meghdoot.adapters.dynamodb.typed import typed
from meghdoot.areas.content.model import Link
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.wiring import light
from meghdoot.wiring import webhooks as wiring
from tests.contract.conftest import REGION
from tests.support.sns import FakeSns, body_of, headers_of
from tests.support.tables import create_tables
from tests.support.visits import visit
from tests.support.world import KEYRING

pytestmark = pytest.mark.emulator
RUN, CUSTOMER = (f"0190a5a2-0000-7000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture
def clients(emulator_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Any]:
    def client(service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=emulator_url)

    own = f"light{abs(hash(request.node.nodeid)) % 10**8}"
    tables = create_tables(client("dynamodb"), own)
    client("s3").create_bucket(Bucket=own)
    topic = client("sns").create_topic(Name=own)["TopicArn"]
    env = {
        **{f"TABLE_{name.upper()}": table for name, table in tables.items()},
        "BUCKET_WITHDRAWALS": own,
        "QUEUE_RECEIPTS_URL": client("sqs").create_queue(QueueName=own)["QueueUrl"],
        "PROVIDER_TOPIC_ARNS": topic,
        "MEGHDOOT_KEYRING": KEYRING,
        "AWS_ENDPOINT_URL": emulator_url,
        "AWS_REGION": REGION,
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    light.forget()
    yield client
    light.forget()


def test_a_recipient_leaves_over_the_wire(clients: Any) -> None:
    s, database = light.settings(), clients("dynamodb")
    item = {**gate_key("acme", CUSTOMER), "v": typed(1), "c": typed(frozenset({"em:m", "sm:m"}))}
    database.put_item(TableName=s.table_people, Item=item)
    DynamoRunLinks(BotoCalls(database), s.table_definitions).put("acme", RUN, [Link(1, "https://shop.example/1")])
    ids: dict[str, Any] = {"tenant": "acme", "run_id": RUN, "customer_id": CUSTOMER, "send_key": "aa"}
    links = person_links("", light.keyring(), channel="email", **ids)
    for _ in range(2):
        assert public(visit("GET", links.pixel_url), None)["statusCode"] == 200
        assert public(visit("GET", links.click_base + "1"), None)["headers"]["Location"] == "https://shop.example/1"
        post = visit("POST", links.unsubscribe_url, b"page=1&everything=1", "application/x-www-form-urlencoded")
        assert public(post, None)["statusCode"] == 200
    gate = database.get_item(TableName=s.table_people, Key=gate_key("acme", CUSTOMER))["Item"]
    assert ("c" in gate, gate["v"]) == (False, {"N": "3"})
    kinds = sorted(i["tk"]["S"] for i in database.scan(TableName=s.table_activity)["Items"])
    assert kinds == ["click", "open", "unsubscribe"]
    assert clients("s3").list_objects_v2(Bucket=s.bucket_withdrawals)["KeyCount"] == 2


def test_a_notification_reaches_the_queue_and_an_invitation_the_api(
    clients: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sns = FakeSns(light.clock().now())
    monkeypatch.setattr(wiring, "fetch_certificate", sns.fetch)
    (topic,) = light.settings().provider_topics
    message = sns.message(TopicArn=topic)

    def post(message: dict[str, str]) -> int:
        event = visit("POST", "/webhooks/sns/main", body_of(message))
        event["headers"] |= headers_of(message)
        return int(webhooks(event, None)["statusCode"])

    assert post(message) == 200
    received = clients("sqs").receive_message(QueueUrl=light.settings().queue_receipts)["Messages"]
    assert [m["Body"] for m in received] == [body_of(message).decode()]
    # The emulator knows no such token: that it answers 5xx shows that the API was asked.
    assert post(sns.message("SubscriptionConfirmation", TopicArn=topic)) in (200, 503)
