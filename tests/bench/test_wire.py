"""What a run costs at the wire: calls of AWS and write units for each thousand recipients, from planning to delivery.

A run is planned, sent and reported through the functions' own handlers on the local AWS emulator. Three things are
played: the segment's query (a list of ids); the provider (a fake that accepts, as fast as it grants, and is not counted);
and the time, which passes only by the provider's rate, so that the figures do not depend on the machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from meghdoot.adapters.dynamodb.content import DynamoTemplateVersions
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.areas.consent.model import gate_code
from meghdoot.areas.content.model import Template
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.model import OutboundEmail, Outcome, Run
from meghdoot.kernel.clock import ManualClock, iso
from meghdoot.wiring import aws, campaign_run, lake, light, messaging
from meghdoot.wiring import sender as sending
from tests.bench.results_file import keep
from tests.bench.wire_meter import Meter
from tests.support.emulator import emulator
from tests.support.killing import CONTENT, PlainEngine
from tests.support.tables import create_tables
from tests.support.templates import functions, template
from tests.support.world import BUCKETS, KEYRING, QUEUES, REGION

PEOPLE, RATE = 5_000, 300
"""So many mails a second are what a grown account of SES is granted."""
RUN = "0190a000-0000-7000-8000-000000000003"
TENANT = "0190a000-0000-7000-8000-0000000000aa"
REACH = {"calls_per_1000": {"at_most": 250}, "write_units_per_1000": {"at_most": 2300}}


@dataclass
class AcceptingProvider:
    """Takes every mail, each in the time of one slot of its rate, and remembers its tags."""

    clock: ManualClock
    name: str = "ses"
    mails: list[OutboundEmail] = field(default_factory=list)

    def send(self, mail: OutboundEmail) -> Outcome:
        self.clock.advance(seconds=1 / RATE)
        self.mails.append(replace(mail, raw=None))
        return Outcome("accepted", provider_id=f"p{len(self.mails)}")


@dataclass
class Context:
    """As much of Lambda's context as the handlers read."""

    function_name: str = "bench"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    aws_request_id: str = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The emulator's URL, with a deployment in it and its environment here."""
    with emulator() as url:
        env = {
            "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
            "AWS_ENDPOINT_URL": url, "MEGHDOOT_KEYRING": KEYRING, "PUBLIC_URL": CONTENT.public_url,
            "SES_CONFIGURATION_SET": "meghdoot", "EMAIL_PROVIDER": "ses", "SENDER_RATE": str(RATE),
            "MACHINE_CAMPAIGN_RUN_ARN": "arn:m", "MACHINE_SEGMENT_REFRESH_ARN": "arn:m",
            "POWERTOOLS_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        for name, value in (env | resources(url)).items():
            monkeypatch.setenv(name, value)
        aws.forget()
        messaging.seal().renew()
        yield url
    aws.forget()


def resources(url: str) -> dict[str, str]:
    """Tables, buckets and queues of the deployment."""

    def client(service: str) -> Any:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return boto3.client(service, region_name=REGION, endpoint_url=url, **keys)

    env = {f"TABLE_{name.upper()}": table for name, table in create_tables(client("dynamodb"), "bench").items()}
    for variable, bucket in BUCKETS.items():
        client("s3").create_bucket(Bucket=bucket)
        env[variable] = bucket
    for variable, queue in QUEUES.items():
        env[variable] = client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    return env


def populate(people: int) -> list[str]:
    """Customers with an address and consent: one made by the services' own adapter, the others copied from it."""
    now, first = datetime.now(UTC).replace(microsecond=0), customer_id(0)
    customer = Customer(
        TENANT, first, now, now, email=f"{first}@x.example", first_name="Rahima", zone="Asia/Dhaka", language="en"
    )
    campaign_run.services().customers.customers.create(customer, {})
    table, client = aws.settings().table_people, aws.client("dynamodb")
    mine = {"TableName": table, "KeyConditionExpression": "pk = :pk"}
    items = client.query(**mine, ExpressionAttributeValues={":pk": {"S": f"{TENANT}#C#{first}"}})["Items"]
    for item in items:
        if item["sk"]["S"] == "GATE":
            item["c"] = {"SS": [gate_code("email", "marketing"), gate_code("sms", "marketing")]}
    text, ids = json.dumps(items), [customer_id(n) for n in range(people)]
    puts = [{"PutRequest": {"Item": item}} for one in ids for item in json.loads(text.replace(first, one))]
    for start in range(0, len(puts), 25):
        client.batch_write_item(RequestItems={table: puts[start : start + 25]})
    return ids


def customer_id(n: int) -> str:
    """Ids as long as the real ones."""
    return f"0190a000-0000-7000-9000-{n:012d}"


def begin() -> None:
    """A template and a run whose planning has not begun."""
    now = datetime.now(UTC).replace(microsecond=0)
    mail = Template(TENANT, "t1", 1, "News", "promotional", "Hello", "<p>Hi {{first_name}}</p>", "me", now, now)
    DynamoTemplateVersions(aws.bound(DocumentItem, aws.settings().table_definitions)).add(mail)
    ends = now + timedelta(days=8)
    messaging.runs().add(
        Run(TENANT, RUN, None, "e1", "email", "marketing", "planning", (), CONTENT, now, now, now, ends, 7, daily_cap=3)
    )


def plan() -> None:
    """As the state machine does."""
    from tasks.campaign_run import handler as step

    assert step({"op": "plan", "tenant": TENANT, "run_id": RUN, "slice": 0}, None) == {"next_slice": None}


def in_batches(queue: str, bodies: list[str]) -> list[dict[str, Any]]:
    """Events of Lambda's poller, in batches as large as the template says."""
    (mapping,) = [
        event["Properties"]
        for function in functions(template()).values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS" and event["Properties"]["Queue"]["Fn::GetAtt"].startswith(f"{queue}Queue")
    ]
    records = [
        {
            "messageId": f"m{n}", "receiptHandle": "r", "body": body, "attributes": {}, "messageAttributes": {},
            "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:{REGION}:1:q", "awsRegion": REGION,
        }
        for n, body in enumerate(bodies)
    ]  # fmt: skip
    size = mapping["BatchSize"]
    return [{"Records": records[start : start + size]} for start in range(0, len(records), size)]


def waiting(queue: str) -> list[str]:
    """Bodies of all messages of a queue. The poller is Lambda's and makes no calls of ours."""
    client, bodies = boto3.client("sqs", region_name=REGION), []
    url = aws.settings().need(queue)
    while found := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        bodies += [message["Body"] for message in found]
        for message in found:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def delivery(mail: OutboundEmail) -> str:
    """The provider's word that a mail was delivered, as the topic brings it."""
    at = iso(mail.date or datetime.now(UTC))
    told = {
        "eventType": "Delivery",
        "mail": {
            "timestamp": at, "messageId": f"p-{mail.message_id}", "source": mail.sender_email, "destination": [mail.to],
            "tags": {name: [value] for name, value in mail.tags.items()},
        },
        "delivery": {"timestamp": at, "recipients": [mail.to]},
    }  # fmt: skip
    return json.dumps({"Type": "Notification", "MessageId": mail.message_id, "Message": json.dumps(told)})


@pytest.mark.bench
def test_a_thousand_recipients_cost_few_calls_and_two_writes_each(
    deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from receipts.app import handler as receipts
    from sender.app import handler as sender

    clock = ManualClock(datetime.now(UTC))
    provider, meter, phases = AcceptingProvider(clock), Meter(deployed), {}
    for wired in (aws, light):
        monkeypatch.setattr(wired, "clock", cache(lambda: clock))
    monkeypatch.setattr(sending, "time", SimpleNamespace(sleep=lambda seconds: clock.advance(seconds=seconds)))
    monkeypatch.setattr(sending, "provider", lambda: provider)
    ids = populate(PEOPLE)
    monkeypatch.setattr(lake, "engine", lambda: PlainEngine(ids))
    begin()
    meter.watch(monkeypatch)
    with meter.counting():
        plan()
    phases["plan"] = meter.calls.total()
    chunks = in_batches("Chunks", waiting("QUEUE_CHUNKS_URL"))
    with meter.counting():
        answers = [sender(event, Context()) for event in chunks]
    phases["send"] = meter.calls.total() - phases["plan"]
    told = in_batches("Receipts", [delivery(mail) for mail in provider.mails])
    with meter.counting():
        answers += [receipts(event, Context()) for event in told]
    phases["receipts"] = meter.calls.total() - phases["plan"] - phases["send"]
    # Then everybody was written to once, and every delivery stands in a row
    assert all(answer == {"batchItemFailures": []} for answer in answers)
    assert len({mail.to for mail in provider.mails}) == len(provider.mails) == PEOPLE
    assert meter.statements["INSERT INTO activity VALUE {'pk':?,'sk':?,'s':?,'st':?,'rk':"] == PEOPLE, meter.statements
    keep("wire", figures(meter, phases), REACH)


def figures(meter: Meter, phases: dict[str, int]) -> dict[str, Any]:
    """Per thousand recipients, by phase, by operation and by statement."""

    def per_thousand(counts: dict[str, int]) -> dict[str, float]:
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return {name: round(count * 1000 / PEOPLE, 1) for name, count in ordered}

    return {
        "people": PEOPLE,
        "mails_a_second": RATE,
        "calls_per_1000": round(meter.calls.total() * 1000 / PEOPLE, 1),
        "write_units_per_1000": round(meter.units.total() * 1000 / PEOPLE, 1),
        "calls_by_phase": per_thousand(phases),
        "calls_by_operation": per_thousand(meter.calls),
        "writes_by_statement": per_thousand(meter.statements),
        "units_by_statement": per_thousand(meter.units),
    }
