"""A run is planned, sent, watched and closed through the handlers, and the ticker mends what was lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from sender.app import handler as sender
from tasks.campaign_run import handler as step
from ticker.app import handler as tick

from meghdoot.adapters.dynamodb.content import DynamoTemplateVersions
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.areas.consent.model import gate_code
from meghdoot.areas.content.model import Template
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.model import Run
from meghdoot.kernel.errors import Malformed
from meghdoot.wiring import aws, campaign_run, lake, messaging
from tests.functions.test_sender_receipts import Context, sqs
from tests.support.killing import CONTENT, PlainEngine
from tests.support.world import world

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
RUN = "0190a000-0000-7000-8000-000000000002"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as env:
        for name in ("MACHINE_CAMPAIGN_RUN_ARN", "MACHINE_SEGMENT_REFRESH_ARN"):
            monkeypatch.setenv(name, MACHINE)
        monkeypatch.setenv("SENDER_RATE", "500")
        aws.forget()
        boto3.client("sesv2").create_email_identity(EmailIdentity=CONTENT.sender_email)
        yield env


@pytest.fixture
def run(deployed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    now = datetime.now(UTC).replace(microsecond=0)
    template = Template("acme", "t1", 1, "News", "promotional", "Hello", "<p>Hi {{first_name}}</p>", "me", now, now)
    DynamoTemplateVersions(aws.bound(DocumentItem, deployed["TABLE_DEFINITIONS"])).add(template)
    customers = campaign_run.services().customers.customers
    for n in range(3):
        customers.create(Customer("acme", f"c{n}", now, now, email=f"c{n}@x.example", first_name="Rita"), {})
        boto3.client("dynamodb").update_item(
            TableName=deployed["TABLE_PEOPLE"], Key={"pk": {"S": f"acme#C#c{n}"}, "sk": {"S": "GATE"}},
            UpdateExpression="SET c = :c", ExpressionAttributeValues={":c": {"SS": [gate_code("email", "marketing")]}},
        )  # fmt: skip
    # The lake has its own tests; here everybody meets the segment.
    monkeypatch.setattr(lake, "engine", lambda: PlainEngine(["c0", "c1", "c2"]))
    run = Run(
        "acme",
        RUN,
        None,
        "e1",
        "email",
        "marketing",
        "planning",
        (),
        CONTENT,
        now,
        now,
        now,
        now + timedelta(days=8),
        7,
    )
    messaging.runs().add(run)
    return run


def ask(op: str, **more: Any) -> dict[str, Any]:
    return step({"op": op, "tenant": "acme", "run_id": RUN, **more}, None)


def deliver(env: dict[str, str]) -> int:
    client = boto3.client("sqs")
    messages = client.receive_message(QueueUrl=env["QUEUE_CHUNKS_URL"], MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        assert sender(sqs(message["Body"]), Context()) == {"batchItemFailures": []}
    return len(messages)


def test_a_run_goes_through_its_steps(deployed: dict[str, str], run: Run) -> None:
    assert ask("plan", slice=0) == {"next_slice": None}
    assert ask("check", round=0) == {"done": False, "wait_seconds": 1, "round": 1}
    assert deliver(deployed) == 1
    assert ask("check", round=1)["done"]
    assert ask("close") == {"status": "done"}
    assert ask("close") == {"status": "done"}
    stored = messaging.runs().get("acme", RUN)
    assert stored is not None
    assert campaign_run.services().runs.accounting(stored) == {"accepted": 3}


def test_the_ticker_wakes_chunks_that_a_dead_owner_left(deployed: dict[str, str], run: Run) -> None:
    ask("plan", slice=0)
    boto3.client("sqs").purge_queue(QueueUrl=deployed["QUEUE_CHUNKS_URL"])
    chunk = messaging.chunks().get_many("acme", RUN, [0])[0]
    assert messaging.chunks().take(chunk, "dead", 1)
    assert messaging.chunks().mark(replace(chunk, token="dead", queued_until=0), 1)
    assert tick({}, Context()) == {"due": 0, "swept": 1}
    assert deliver(deployed) == 1
    tick({}, Context())
    stored = messaging.runs().get("acme", RUN)
    assert stored is not None
    assert stored.status == "done"
    assert tick({}, Context()) == {"due": 0, "swept": 0}


def test_a_failed_machine_pauses_the_run_and_an_unknown_step_is_refused(deployed: dict[str, str], run: Run) -> None:
    assert ask("fail", error="States.Timeout") == {"status": "paused"}
    with pytest.raises(Malformed):
        ask("jump")
    assert json.loads(json.dumps(ask("check", round=40)))["wait_seconds"] == 300
