"""A single message from the request to the provider's word, through the handlers, on a whole deployment in process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from quopri import decodestring
from typing import Any

import boto3
import pytest
import time_machine
from receipts.app import handler as receipts
from ticker.app import handler as ticker
from urgent.app import handler as urgent

from meghdoot.adapters.dynamodb.content import DynamoTemplateVersions, dynamo_templates
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.queues import single_body
from meghdoot.areas.content.model import Template, Variable
from meghdoot.areas.messaging.singles.model import SingleRef, SingleRequest, SingleView
from meghdoot.wiring import api, aws
from tests.functions.test_sender_receipts import sent_by_ses, sqs
from tests.support.world import world

SENDER = "shop@shop.example"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"


@dataclass
class Context:
    """As much of Lambda's context as the handlers read."""

    function_name: str = "urgent"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as env:
        for name in ("MACHINE_CAMPAIGN_RUN_ARN", "MACHINE_SEGMENT_REFRESH_ARN"):
            monkeypatch.setenv(name, MACHINE)
        monkeypatch.setenv("SENDER_RATE", "500")
        aws.forget()
        boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)
        prepare(env)
        yield env


def prepare(env: dict[str, str]) -> None:
    services, now = api.endpoint().services, datetime.now(UTC)
    services.tenants.create(
        "acme", name="Acme", postal_address="1 Lake Road, Dhaka 1207", zone="Asia/Dhaka", currency="BDT"
    )
    sender = services.tenants.add_sender("acme", SENDER, display_name="Shop")
    from dataclasses import replace

    services.tenants.senders.replace(replace(sender, status="verified", version=sender.version + 1), sender.version)
    template = Template(
        "acme", "receipt", 1, "Receipt", "transactional", "Order {{code}}", "<p>Hi {{first_name}}, {{code}}</p>", "me",
        now, now, variables=(Variable("first_name", "friend"), Variable("code")),
    )  # fmt: skip
    model = aws.bound(DocumentItem, env["TABLE_DEFINITIONS"])
    dynamo_templates(model).add(template)
    DynamoTemplateVersions(model).add(template)


def accept(key: str = "order-17", **more: Any) -> SingleView:
    wanted: dict[str, Any] = {"email": "rita@x.example", "variables": {"code": "A-17"}, **more}
    return api.endpoint().services.singles.accept("acme", SingleRequest(key, "receipt", SENDER, **wanted))


def view(taken: SingleView) -> SingleView:
    return api.endpoint().services.singles.get("acme", taken.single.id)


def queued(env: dict[str, str]) -> list[str]:
    found = boto3.client("sqs").receive_message(QueueUrl=env["QUEUE_URGENT_URL"], MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


def event(taken: SingleView, kind: str = "Delivery", **detail: Any) -> str:
    """What SES tells about the first attempt, with the tags that it was given."""
    from meghdoot.areas.messaging.singles.rules import key_of, minute_of

    single = taken.single
    tags = {
        "tenant": "acme", "run": single.composition_id, "message": single.id, "attempt": "1",
        "customer": single.customer_id, "key": key_of(single), "minute": minute_of(single),
    }  # fmt: skip
    mail = {
        "timestamp": "2026-01-05T09:00:00.000Z", "messageId": "p1", "source": SENDER,
        "destination": ["rita@x.example"], "tags": {name: [value] for name, value in tags.items()},
    }  # fmt: skip
    told = {"eventType": kind, "mail": mail, kind.lower(): {"timestamp": "2026-01-05T09:00:02.000Z", **detail}}
    return json.dumps({"Type": "Notification", "MessageId": f"sns-{kind}", "Message": json.dumps(told)})


def test_a_receipt_goes_from_the_request_to_delivered(deployed: dict[str, str]) -> None:
    # When the same request comes three times
    taken = [accept() for _ in range(3)]
    assert len({one.single.id for one in taken}) == 1
    bodies = queued(deployed)
    assert len(bodies) == 3
    # And each of its queue messages is delivered, one twice
    for body in [*bodies, bodies[0]]:
        assert urgent(sqs(body), Context()) == {"batchItemFailures": []}
    # Then one mail has left
    (mail,) = sent_by_ses()
    raw = mail.raw_data if isinstance(mail.raw_data, bytes) else mail.raw_data.encode()
    assert b"Hi friend, A-17" in decodestring(raw)
    assert view(taken[0]).state == "accepted"
    # And the provider's word is found by its tags
    assert receipts(sqs(event(taken[0])), Context()) == {"batchItemFailures": []}
    told = view(taken[0])
    assert told.row is not None
    assert (told.state, told.row.heard_attempt, told.row.attempt) == ("delivered", 1, 1)
    assert boto3.client("dynamodb").scan(TableName=deployed["TABLE_WORK"], FilterExpression="begins_with(pk, :s)",
        ExpressionAttributeValues={":s": {"S": "SINGLE#"}})["Items"] == []  # fmt: skip


def test_a_bounce_closes_the_address_for_the_next_message(deployed: dict[str, str]) -> None:
    taken = accept()
    urgent(sqs(*queued(deployed)), Context())
    gone = {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [{"emailAddress": "rita@x.example"}],
    }
    receipts(sqs(event(taken, "Bounce", **gone)), Context())
    assert view(taken).state == "bounced"
    refused = accept("order-18")
    assert (refused.state, refused.row.reason if refused.row else None) == ("skipped", "suppressed")
    assert queued(deployed) == []


def test_032_the_ticker_wakes_a_message_whose_queue_message_was_lost(deployed: dict[str, str]) -> None:
    taken = accept()
    boto3.client("sqs").purge_queue(QueueUrl=deployed["QUEUE_URGENT_URL"])
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2), tick=False):
        assert ticker({}, Context())  # type: ignore[arg-type]
        (body,) = queued(deployed)
        assert urgent(sqs(body), Context()) == {"batchItemFailures": []}
    assert view(taken).state == "accepted"


def test_030_a_poison_message_fails_alone(deployed: dict[str, str]) -> None:
    accept()
    bodies = ["no json", single_body(SingleRef("acme", "0" * 32)), *queued(deployed)]
    failed = urgent(sqs(*bodies), Context())["batchItemFailures"]
    assert [f["itemIdentifier"] for f in failed] == ["m0"]
    assert len(sent_by_ses()) == 1


def test_what_is_said_in_the_log_names_no_address(deployed: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "meghdoot")
    taken = accept()
    urgent(sqs(*queued(deployed)), Context())
    (line,) = [json.loads(r.getMessage()) for r in caplog.records if r.name == "meghdoot"]
    assert line == {"decision": "accepted", "tenant": "acme", "message_id": taken.single.id}
