"""A chunk goes out and its events come back, through the handlers, on a whole deployment in process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import boto3
import pytest
from receipts.app import handler as receipts
from sender.app import handler as sender

from meghdoot.adapters.dynamodb.content import DynamoTemplateVersions
from meghdoot.adapters.dynamodb.customers import DynamoCustomers
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.tenants import DynamoIdentityOwners
from meghdoot.adapters.queues import ref_body
from meghdoot.areas.consent.model import gate_code
from meghdoot.areas.content.model import Template
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Recipient, Run
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.wiring import aws, messaging
from tests.support.killing import CONTENT
from tests.support.world import world

RUN = "0190a000-0000-7000-8000-000000000001"


@dataclass
class Context:
    """As much of Lambda's context as the handlers read."""

    function_name: str = "sender"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as env:
        monkeypatch.setenv("SENDER_RATE", "500")
        aws.forget()
        boto3.client("sesv2").create_email_identity(EmailIdentity=CONTENT.sender_email)
        yield env


def a_run() -> Run:
    now = datetime.now(UTC).replace(microsecond=0)
    run = Run(
        "acme", RUN, None, "e1", "email", "marketing", "sending", (), CONTENT, now, now, now, now + timedelta(days=8), 7
    )
    return replace(run, slice_chunks={"0": 1}, planned_slices=1, audience=3, chunks=1)


def prepare(env: dict[str, str]) -> Run:
    now, run = datetime.now(UTC), a_run()
    template = Template(
        "acme", "t1", 1, "News", "promotional", "Hello", "<p>Hi {{first_name}}</p><p>{{postal_address}}</p>"
        '<a href="{{unsubscribe_url}}">stop</a>', "me", now, now,
    )  # fmt: skip
    DynamoTemplateVersions(aws.bound(DocumentItem, env["TABLE_DEFINITIONS"])).add(template)
    people = [
        Recipient(0, "c0", "c0@x.example", "en", None, {"first_name": "Rita"}),
        Recipient(1, "c1", "c1@x.example", "en", None, {}),
        Recipient(2, "c2", "c2@x.example", "en", None, {"first_name": "Karim"}),
    ]
    for person in people:
        item = {"pk": {"S": f"acme#C#{person.customer_id}"}, "sk": {"S": "GATE"}, "v": {"N": "1"}}
        if person.customer_id != "c2":
            item["c"] = {"SS": [gate_code("email", "marketing")]}
        boto3.client("dynamodb").put_item(TableName=env["TABLE_PEOPLE"], Item=item)
    messaging.runs().add(run)
    messaging.audience().write(ChunkRef("acme", RUN, 0), people)
    messaging.chunks().create(Chunk("acme", RUN, 0, "..."))
    return run


def sqs(*bodies: str) -> dict[str, Any]:
    arn = "arn:aws:sqs:us-east-1:123456789012:chunks"
    return {
        "Records": [
            {
                "messageId": f"m{n}", "receiptHandle": "r", "body": body, "attributes": {}, "messageAttributes": {},
                "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": "us-east-1",
            }
            for n, body in enumerate(bodies)
        ]
    }  # fmt: skip


def event(run: Run, index: int, kind: str, detail: dict[str, Any]) -> str:
    customer = f"c{index}"
    tags = {
        "tenant": "acme", "run": RUN, "chunk": "0", "index": str(index), "customer": customer,
        "key": send_key(RUN, "email", customer), "minute": run_minute(run.started_at),
    }  # fmt: skip
    mail = {
        "timestamp": "2026-01-05T09:00:00.000Z", "messageId": f"p{index}", "source": CONTENT.sender_email,
        "destination": [f"{customer}@x.example"], "tags": {name: [value] for name, value in tags.items()},
    }  # fmt: skip
    told = {"eventType": kind, "mail": mail, kind.lower(): {"timestamp": "2026-01-05T09:00:02.000Z", **detail}}
    return json.dumps({"Type": "Notification", "MessageId": f"sns-{kind}-{index}", "Message": json.dumps(told)})


def sent_by_ses() -> list[Any]:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.ses.models import ses_backends

    return list(ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages)


def test_a_chunk_is_sent_once_however_often_its_message_comes(deployed: dict[str, str]) -> None:
    prepare(deployed)
    body = ref_body(ChunkRef("acme", RUN, 0))
    # When the message is delivered twice
    answers = [sender(sqs(body), Context()) for _ in range(2)]
    # Then each person has one letter: sent, a missing variable, no consent
    assert answers == [{"batchItemFailures": []}] * 2
    chunk = messaging.chunks().get(ChunkRef("acme", RUN, 0))
    assert chunk is not None
    assert (chunk.letters, chunk.lease_until) == ("arn", 0)
    (mail,) = sent_by_ses()
    parsed = message_from_bytes(
        mail.raw_data if isinstance(mail.raw_data, bytes) else mail.raw_data.encode(), policy=policy.default
    )
    # 106: the headers of one-click unsubscribe are there, as parsed
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert str(parsed["List-Unsubscribe"]).startswith("<https://m.acme.example/u/")
    assert parsed["To"] == "c0@x.example"


def test_030_a_poison_message_fails_alone(deployed: dict[str, str]) -> None:
    prepare(deployed)
    bodies = ['{"v": 2}', "no json", ref_body(ChunkRef("acme", RUN, 77)), ref_body(ChunkRef("acme", RUN, 0))]
    failed = sender(sqs(*bodies), Context())["batchItemFailures"]
    assert [f["itemIdentifier"] for f in failed] == ["m0", "m1", "m2"]
    assert len(sent_by_ses()) == 1


def test_events_give_birth_to_rows_and_close_gates(deployed: dict[str, str]) -> None:
    run = prepare(deployed)
    bounce = {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [{"emailAddress": "c1@x.example"}],
    }
    bodies = [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        event(run, 0, "Delivery", {"recipients": ["c0@x.example"]}),
        event(run, 1, "Bounce", bounce),
        event(run, 0, "Open", {}),
        "broken",
    ]
    for _ in range(2):
        failed = receipts(sqs(*bodies), Context())["batchItemFailures"]
        assert [f["itemIdentifier"] for f in failed] == ["m4"]
    keys = [(c, run_minute(run.started_at), send_key(RUN, "email", c)) for c in ("c0", "c1")]
    assert {r.customer_id: r.state for r in messaging.rows().get_many("acme", keys).values()} == {
        "c0": "delivered",
        "c1": "bounced",
    }
    gates = messaging.gates().read("acme", ["c0", "c1"])
    assert gates["c0"].granted == {"em:m"}
    assert (gates["c1"].granted, gates["c1"].suppressed) == (frozenset(), {"em"})
    assert messaging.evidence().watermark("ses") == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def test_a_notification_without_tags_suppresses_for_the_owner_of_its_sender(deployed: dict[str, str]) -> None:
    from pathlib import Path

    from meghdoot.areas.messaging.address_keys import EmailKeys

    DynamoIdentityOwners(aws.calls(), deployed["TABLE_WORK"]).claim("@neko.example.org", "acme")
    body = (Path(__file__).parents[1] / "data" / "ses_09_Bounce.json").read_text()
    address = "bounce@simulator.amazonses.com"
    key, now = EmailKeys(aws.keyring())("acme", address), datetime.now(UTC)
    customers = DynamoCustomers(aws.calls(), deployed["TABLE_PEOPLE"])
    customers.create(Customer("acme", "holder", now, now, email=address), {"email": key})
    assert receipts(sqs(body), Context()) == {"batchItemFailures": []}
    assert messaging.gates().read("acme", ["holder"])["holder"].suppressed == {"em"}
    found = messaging.consent().suppressions.get("acme", key, "email")
    assert found is not None
    assert found.reason == "hard_bounce"
    activity = boto3.client("dynamodb").scan(TableName=deployed["TABLE_ACTIVITY"])
    assert [item["sk"]["S"] for item in activity["Items"]] == ["SEAL"], "only suppression is touched"
