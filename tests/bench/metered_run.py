"""One campaign through the functions' own handlers over a metered account: what each phase asks of AWS.

Everything is real but the network, the segment's query (a list of ids), the provider (it accepts, in the time of one slot
of its rate) and the clock (it passes by that rate alone). Batches are as large as the template's mappings make them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.content import DynamoTemplateVersions
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.run_links import DynamoRunLinks
from meghdoot.adapters.wire import AwsWire
from meghdoot.areas.consent.model import gate_code
from meghdoot.areas.content.model import Link, Template
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.model import OutboundEmail, Run
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.kernel.clock import ManualClock, iso
from meghdoot.wiring import aws, campaign_run, lake, light, messaging, sender
from tests.bench import test_wire as wired
from tests.bench.aws_meter import AwsMeter, MeteredStore, Usage
from tests.bench.wire_meter import Item
from tests.support.killing import CONTENT, PlainEngine
from tests.support.templates import functions, template
from tests.support.visits import visit
from tests.support.world import BUCKETS, KEYRING, QUEUES, REGION

TENANT, RUN = wired.TENANT, wired.RUN
HTML = "<p>Hi {{first_name}}</p><p><a href='https://shop.example/a'>a</a></p>"


@dataclass
class Phase:
    """What one part of the system asked for, and in how many invocations."""

    usage: Usage
    invocations: int
    log_bytes: int = 0

    def per(self, people: int) -> dict[str, float]:
        """Requests and units for one person."""
        return {name: count / people for name, count in self.usage.totals.items()}


@dataclass
class House:
    """A deployment whose AWS is a meter."""

    meter: AwsMeter
    clock: ManualClock
    provider: Any
    capture: pytest.CaptureFixture[str]
    logs: pytest.LogCaptureFixture
    phases: dict[str, Phase] = field(default_factory=dict)
    records: list[Item] = field(default_factory=list)
    """What the stream of the table `activity` has brought."""

    def phase(self, name: str, calls: list[Callable[[], Any]]) -> None:
        """Make the invocations of one phase, and keep what they asked for and how much they logged."""
        self.capture.readouterr()
        self.logs.clear()
        self.meter.reset()
        for call in calls:
            answer = call()
            failed = answer.get("batchItemFailures") if isinstance(answer, dict) else None
            assert not failed, failed
        told = self.capture.readouterr()
        light_lines = sum(len(r.getMessage()) for r in self.logs.records if r.name == "meghdoot")
        size = len(told.out.encode()) + len(told.err.encode()) + light_lines
        self.phases[name] = Phase(self.meter.reset(), len(calls), size)


@contextmanager
def deployed(
    monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str], logs: pytest.LogCaptureFixture, **more: str
) -> Iterator[House]:
    """The environment of a deployment, with a meter in the place of AWS."""
    meter, clock = AwsMeter(), ManualClock(datetime.now(UTC))
    env = {
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "MEGHDOOT_KEYRING": KEYRING, "PUBLIC_URL": CONTENT.public_url, "SES_CONFIGURATION_SET": "meghdoot",
        "EMAIL_PROVIDER": "ses", "SENDER_RATE": str(wired.RATE), "MACHINE_CAMPAIGN_RUN_ARN": "arn:m",
        "MACHINE_SEGMENT_REFRESH_ARN": "arn:m", **BUCKETS, **more,
        **{f"TABLE_{name.upper()}": f"w-{name}" for name in ("definitions", "people", "activity", "value", "work")},
        **{variable: f"https://sqs.{REGION}.amazonaws.com/1/{queue}" for variable, queue in QUEUES.items()},
    }  # fmt: skip
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    aws.forget()
    _one_name_an_object(meter)
    _with_an_account(meter)
    monkeypatch.setattr(messaging, "S3Store", lambda _client, bucket: Files(meter, bucket))
    meter.serve_botocore(monkeypatch)
    monkeypatch.setattr(
        AwsWire, "call", lambda _wire, service, headers, body, **kw: meter.call(service, headers, body, **kw)
    )
    provider = wired.AcceptingProvider(clock)
    monkeypatch.setattr(aws, "clock", cache(lambda: clock))
    monkeypatch.setattr(light, "clock", cache(lambda: clock))
    monkeypatch.setattr(sender, "time", SimpleNamespace(sleep=lambda seconds: clock.advance(seconds=seconds)))
    monkeypatch.setattr(sender, "provider", lambda: provider)
    house = House(meter, clock, provider, capture, logs)
    _tap(house)
    if not hasattr(type(meter.dynamo), "_DescribeTable"):
        one = {"Table": {"TableId": "one", "TableStatus": "ACTIVE"}}
        monkeypatch.setattr(type(meter.dynamo), "_DescribeTable", lambda _self, _payload: one, raising=False)
    logs.set_level("INFO")
    messaging.seal().renew()
    yield house
    aws.forget()


class Files(MeteredStore):
    """The store whole, as far as the functions use it."""

    def put(self, key: str, body: bytes) -> None:
        self._account.answer("s3", "", "PUT", f"/{self._bucket}/{key}", body)

    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file."""
        path.write_bytes(self.get(key))

    def delete(self, key: str) -> None:
        """Remove an object, which costs nothing."""
        self._account.objects.pop(f"/{key}")


def _one_name_an_object(meter: AwsMeter) -> None:
    """The bucket stands in the host's name or in the path, as the client likes; an object is the same by both."""
    answer = meter._s3

    def named(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        for bucket in BUCKETS.values():
            path = path.removeprefix(f"/{bucket}")
        return answer(method, path, body)

    meter._s3 = named  # type: ignore[method-assign]


def _with_an_account(meter: AwsMeter) -> None:
    """SES tells what it grants, and is asked for nothing else: mails go to a provider that is played."""
    answer = meter.answer
    quota = {"Max24HourSend": 50_000_000.0, "MaxSendRate": float(wired.RATE), "SentLast24Hours": 0.0}
    account = {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": True}

    def told(service: str, target: str, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if service == "ses":
            meter.usage.requests["ses GetAccount"] += 1
            return 200, json.dumps(account).encode()
        return answer(service, target, method, path, body)

    meter.answer = told  # type: ignore[method-assign]


def _tap(house: House) -> None:
    """Keep what the stream of `activity` would bring."""
    written = house.meter.dynamo.was_written

    def kept(what: str, table: str, before: Item | None, after: Item | None, factor: int) -> None:
        written(what, table, before, after, factor)
        if table == "w-activity" and before != after:
            house.records.append(_record(len(house.records), house.clock.now(), before, after))

    house.meter.dynamo.was_written = kept  # type: ignore[method-assign]


def _record(number: int, at: datetime, before: Item | None, after: Item | None) -> Item:
    item = after or before or {}
    images = {name: image for name, image in (("OldImage", before), ("NewImage", after)) if image is not None}
    return {
        "eventName": "INSERT" if before is None else "MODIFY" if after is not None else "REMOVE",
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:123456789012:table/w-activity/stream/2026-01-01T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": at.timestamp(), "SequenceNumber": str(10**20 + number),
            "Keys": {"pk": item["pk"], "sk": item["sk"]}, **images,
        },
    }  # fmt: skip


def populate(house: House, people: int) -> list[str]:
    """Customers with an address and consent: one made by the services' own adapter, the others copied from it."""
    now, first = house.clock.now().replace(microsecond=0), wired.customer_id(0)
    customer = Customer(
        TENANT, first, now, now, email=f"{first}@x.example", first_name="Rahima", zone="Asia/Dhaka", language="en"
    )
    campaign_run.services().customers.customers.create(customer, {})
    kept = house.meter.dynamo._partitions["w-people", f"{TENANT}#C#{first}"]
    kept["GATE"]["c"] = {"SS": [gate_code("email", "marketing"), gate_code("sms", "marketing")]}
    text, ids = json.dumps(list(kept.values())), [wired.customer_id(n) for n in range(people)]
    for one in ids:
        for item in json.loads(text.replace(first, one)):
            house.meter.dynamo.put("w-people", item)
    return ids


def begin(house: House) -> None:
    """A template and a run whose planning has not begun."""
    now = house.clock.now().replace(microsecond=0)
    mail = Template(TENANT, "t1", 1, "News", "promotional", "Hello", HTML, "me", now, now)
    DynamoTemplateVersions(aws.bound(DocumentItem, aws.settings().table_definitions)).add(mail)
    DynamoRunLinks(aws.calls(), aws.settings().table_definitions).put(TENANT, RUN, [Link(1, "https://shop.example/a")])
    ends = now + timedelta(days=8)
    messaging.runs().add(
        Run(TENANT, RUN, None, "e1", "email", "marketing", "planning", (), CONTENT, now, now, now, ends, 7, daily_cap=3)
    )


def plan(house: House, monkeypatch: pytest.MonkeyPatch, people: int) -> None:
    """As the state machine does, slice by slice."""
    from tasks.campaign_run import handler as step

    ids = populate(house, people)
    monkeypatch.setattr(lake, "engine", lambda: PlainEngine(ids))
    begin(house)

    def every_slice() -> None:
        slice_: int | None = 0
        while slice_ is not None:
            slice_ = step({"op": "plan", "tenant": TENANT, "run_id": RUN, "slice": slice_}, None)["next_slice"]

    house.phase("plan", [every_slice])
    house.phases["plan"].invocations = messaging.runs().get(TENANT, RUN).slices  # type: ignore[union-attr]


def send(house: House) -> None:
    """Every chunk that was queued, one an invocation."""
    from sender.app import handler as sender

    bodies = house.meter.queued.pop(aws.settings().queue_chunks)
    events = wired.in_batches("Chunks", bodies)
    house.phase("send", [lambda event=event: sender(event, wired.Context()) for event in events])  # type: ignore[misc]


def check(house: House) -> None:
    """One look of the state machine at the chunks, and one walk of the ticker."""
    from tasks.campaign_run import handler as step
    from ticker.app import handler as tick

    house.phase("check", [lambda: step({"op": "check", "tenant": TENANT, "run_id": RUN, "round": 0}, None)])
    house.phase("tick", [lambda: tick({}, wired.Context())])


def told(mail: OutboundEmail, kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    """An event of the provider about a mail, with all that SES writes into one."""
    at = iso(mail.date or datetime.now(UTC))
    headers = [
        {"name": name, "value": value}
        for name, value in (
            ("From", f"{mail.sender_name} <{mail.sender_email}>"), ("To", mail.to), ("Subject", mail.subject),
            ("Date", at), ("Message-ID", f"<{mail.message_id}@mail.example>"), ("MIME-Version", "1.0"),
            ("List-Unsubscribe", f"<{unsubscribe(mail)}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("Feedback-ID", f"{mail.tags['run']}:{mail.tags['tenant']}:ses"),
            ("Content-Type", f'multipart/alternative; boundary="={"=" * 40}"'),
        )
    ]  # fmt: skip
    arn = f"arn:aws:ses:{REGION}:123456789012:identity/{mail.sender_email}"
    return {
        "eventType": kind,
        "mail": {
            "timestamp": at, "source": f"{mail.sender_name} <{mail.sender_email}>", "sourceArn": arn,
            "sendingAccountId": "123456789012", "messageId": f"0100018f{mail.message_id[:52]}-000000",
            "destination": [mail.to], "headersTruncated": False, "headers": headers,
            "commonHeaders": {"from": [mail.sender_email], "to": [mail.to], "subject": mail.subject, "date": at},
            "tags": {name: [value] for name, value in mail.tags.items()} | {
                "ses:configuration-set": ["meghdoot-prod"], "ses:source-ip": ["203.0.113.7"],
                "ses:from-domain": [mail.sender_email.partition("@")[2]], "ses:caller-identity": ["meghdoot-prod-sender"],
            },
        },
        kind.lower(): {"timestamp": at, **detail},
    }  # fmt: skip


def unsubscribe(mail: OutboundEmail) -> str:
    """The address in the mail's header."""
    return links(mail).unsubscribe_url


def links(mail: OutboundEmail) -> Any:
    """The addresses that a recipient was given."""
    t = mail.tags
    ids: dict[str, Any] = {"tenant": TENANT, "run_id": RUN, "customer_id": t["customer"], "send_key": t["key"]}
    return person_links(CONTENT.public_url, light.keyring(), channel="email", **ids)


def delivered(mail: OutboundEmail) -> dict[str, Any]:
    """SES's word for a delivery."""
    detail = {
        "processingTimeMillis": 812, "recipients": [mail.to], "reportingMTA": "a8-53.smtp-out.amazonses.com",
        "smtpResponse": "250 2.0.0 OK 1767603600 d75a77b69052e-4b1a2c3d4e5si1234567qtg.1089 - gsmtp",
        "remoteMtaIp": "203.0.113.40",
    }  # fmt: skip
    return told(mail, "Delivery", detail)


def bounced(mail: OutboundEmail) -> dict[str, Any]:
    """SES's word for an address that is no more."""
    people = [
        {"emailAddress": mail.to, "action": "failed", "status": "5.1.1", "diagnosticCode": "550 5.1.1 user unknown"}
    ]
    return told(mail, "Bounce", {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": people})


def complained(mail: OutboundEmail) -> dict[str, Any]:
    """SES's word for a report as spam."""
    people = [{"emailAddress": mail.to}]
    return told(mail, "Complaint", {"complainedRecipients": people, "complaintFeedbackType": "abuse"})


def by_topic(event: dict[str, Any]) -> str:
    """As the topic brings it to the queue: an envelope with a signature."""
    return json.dumps({
        "Type": "Notification", "MessageId": event["mail"]["messageId"] + event["eventType"],
        "TopicArn": f"arn:aws:sns:{REGION}:123456789012:meghdoot-prod-provider-events", "Message": json.dumps(event),
        "Timestamp": "2026-01-05T09:00:00.000Z", "SignatureVersion": "2", "Signature": "x" * 344,
        "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-{'0' * 32}.pem",
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:{'x' * 100}",
    })  # fmt: skip


def hear(house: House, name: str, events: list[dict[str, Any]], size: int) -> None:
    """Events by topic and queue, so many an invocation."""
    from receipts.app import handler as receipts

    records = wired.in_batches("Receipts", [by_topic(event) for event in events])
    flat = [record for batch in records for record in batch["Records"]]
    batches = [{"Records": flat[start : start + size]} for start in range(0, len(flat), size)]
    house.phase(name, [lambda event=event: receipts(event, wired.Context()) for event in batches])  # type: ignore[misc]


def take_files(house: House, events: list[dict[str, Any]], size: int) -> int:
    """Events by files of a delivery stream, so many a file; answers the bytes of all lines."""
    from deliveries.app import handler as deliveries

    lines = [json.dumps(event).encode() + b"\n" for event in events]
    calls = []
    for n, start in enumerate(range(0, len(lines), size)):
        key = f"deliveries/{n}.gz"
        body = gzip.compress(b"".join(lines[start : start + size]))
        aws.client("s3").put_object(Bucket=BUCKETS["BUCKET_LAKE"], Key=key, Body=body)
        detail = {"bucket": {"name": BUCKETS["BUCKET_LAKE"]}, "object": {"key": key}}
        record = wired.in_batches("Receipts", [json.dumps({"detail": detail})])[0]
        calls.append(lambda record=record: deliveries(record, wired.Context()))
    house.phase("deliveries", calls)  # type: ignore[arg-type]
    return sum(map(len, lines))


def visits(house: House, name: str, urls: list[str]) -> None:
    """Requests of recipients, one an invocation."""
    from public.app import handler as public

    house.phase(name, [lambda url=url: public(visit("GET", url), None) for url in urls])  # type: ignore[misc]


def stream(house: House, name: str, records: list[Item], size: int) -> None:
    """Records of the stream to both of its readers, so many an invocation."""
    from archive.app import handler as archive
    from counters.app import handler as counters

    events = [
        {
            "Records": records[start : start + size], "shardId": "shardId-1", "state": {},
            "eventSourceARN": records[0]["eventSourceARN"],
        }
        for start in range(0, len(records), size)
    ]  # fmt: skip
    house.phase(f"counters {name}", [lambda event=event: counters(event, None) for event in events])  # type: ignore[misc]
    house.phase(f"archive {name}", [lambda event=event: archive(event, None) for event in events])  # type: ignore[misc]


def mapping(function: str, kind: str, name: str) -> dict[str, Any]:
    """The settings of a function's event source in the template."""
    found = functions(template())[function]["Events"][name]
    assert found["Type"] == kind
    return dict(found["Properties"])


def memory(function: str) -> float:
    """Megabytes of a function."""
    return float(functions(template())[function]["MemorySize"])
