"""Functions that people and providers wait for, and the one that sends, load no SDK, neither before nor after the first request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("boto3", "botocore", "pynamodb", "pydantic", "aws_lambda_powertools", "chalice")
BUDGET = 0.5

_PUBLIC = """
from public.app import handler
from meghdoot.adapters.wire import Answer, AwsWire
calls = []
def call(self, service, headers, body, **more):
    calls.append(service)
    gate = b'{"Item":{"pk":{"S":"acme#C#c1"},"sk":{"S":"GATE"},"v":{"N":"1"},"c":{"SS":["em:m"]}}}'
    is_gate = b'"sk":{"S":"GATE"}' in body and b"TransactItems" not in body
    return Answer(200, gate if is_gate else b"{}")
AwsWire.call = call
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.wiring import light
links = person_links("", light.keyring(), tenant="acme", run_id="r1", customer_id="c1", channel="email", send_key="aa")
def ask(method, path, body=None):
    return handler({"httpMethod": method, "path": path, "headers": {"User-Agent": "Phone"}, "body": body}, None)
assert ask("GET", links.pixel_url)["statusCode"] == 200
assert ask("GET", links.unsubscribe_url)["statusCode"] == 200
assert ask("POST", links.unsubscribe_url, "List-Unsubscribe=One-Click")["statusCode"] == 200
assert {"dynamodb", "s3"} <= set(calls), calls
"""

_WEBHOOKS = """
from webhooks.app import handler
from meghdoot.adapters import sns_inbox
from meghdoot.adapters.wire import Answer, AwsWire
from meghdoot.wiring import light, webhooks
from tests.support.sns import FakeSns, body_of, headers_of
calls = []
AwsWire.call = lambda self, service, headers, body, **more: calls.append(service) or Answer(200, b"{}")
sns = FakeSns(light.clock().now())
webhooks.fetch_certificate = sns.fetch
message = sns.message()
event = {"httpMethod": "POST", "path": "/webhooks/sns/a", "headers": headers_of(message), "body": body_of(message).decode()}
assert handler(event, None)["statusCode"] == 200
assert calls == ["sqs"], calls
"""

_SENDER = """
import json
from datetime import timedelta
from sender.app import handler
from meghdoot.adapters.codec import to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CallError
from meghdoot.adapters.dynamodb.chunks import DynamoChunks
from meghdoot.adapters.dynamodb.light_records import LightRecords, LightTemplateVersions
from meghdoot.adapters.dynamodb.seal import DynamoSeal
from meghdoot.adapters.objects.audience import ObjectAudience
from meghdoot.adapters.queues import ref_body
from meghdoot.adapters.wire import Answer, AwsWire
from meghdoot.adapters.wire_services import WireStore
from meghdoot.areas.content.model import Footer, Template
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Recipient, Run, RunContent
from meghdoot.wiring import light, sender
from tests.support.fake_dynamo import FakeDynamo
database, objects, mails = FakeDynamo(), {}, []
def call(self, service, headers, body, *, method="POST", path="/", bucket=None, repeatable=False):
    if service == "s3":
        found = objects.get(path) if method == "GET" else objects.__setitem__(path, body) or b""
        return Answer(404 if found is None else 200, found or b"")
    try:
        return Answer(200, json.dumps(database(headers["x-amz-target"].split(".")[1], json.loads(body))).encode())
    except CallError as e:
        return Answer(400, json.dumps({"__type": e.code, **e.body}).encode())
def once(self, service, headers, body, path):
    mails.append(json.loads(body))
    if mails[-1]["Destination"]["ToAddresses"] == ["c2@x.example"]:
        return Answer(400, b'{"message": "Illegal address"}', {"x-amzn-errortype": "BadRequestException"})
    return Answer(200, b'{"MessageId": "m1"}')
AwsWire.call, AwsWire.once = call, once
now = light.clock().now()
mail = Template("acme", "t1", 1, "News", "promotional", "Hi {{first_name}}", "<p>Hi {{first_name}}</p>", "me", now, now)
LightTemplateVersions(light.calls(), "definitions").add(mail)
content = RunContent("t1", 1, "Hi {{first_name}}", None, "Acme", "news@acme.example", None, ("en",), "en",
    Footer("Acme", "Dhaka", None), "https://m.acme.example")
run = Run("acme", "r1", None, "e1", "email", "marketing", "sending", (), content, now, now, now, now + timedelta(days=8), 7)
LightRecords(light.calls(), "definitions", Run, "run").add(run)
people = [Recipient(n, f"c{n}", f"c{n}@x.example", "en", None, {"first_name": "Rita"}) for n in range(4)]
ObjectAudience(WireStore(light.wire(), "lake")).write(ChunkRef("acme", "r1", 0), people)
DynamoChunks(light.calls(), "activity").create(Chunk("acme", "r1", 0, "...."))
for person in people:
    database.put("people", {"pk": {"S": keys.customer_pk("acme", person.customer_id)}, "sk": {"S": "GATE"}, "v": {"N": "1"}, "c": {"SS": ["em:m"]}})
sender.sender().seal = type("Open", (), {"intact": lambda self: True})()
class Context:
    def get_remaining_time_in_millis(self): return 300_000
event = {"Records": [{"messageId": "m1", "body": ref_body(ChunkRef("acme", "r1", 0))}, {"messageId": "m2", "body": "x"}]}
assert handler(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
chunk = DynamoChunks(light.calls(), "activity").get(ChunkRef("acme", "r1", 0))
assert chunk.letters == "aafa", chunk
assert len(mails) == 4
assert light.calls()("GetItem", {"TableName": "people", "Key": {"pk": {"S": "acme#C#c2"}, "sk": {"S": "GATE"}}})["Item"]["x"]
"""


_URGENT = (
    _SENDER.partition("sender.sender().seal")[0]
    + """
from meghdoot.adapters.dynamodb.light_records import LightRecords as Records
from meghdoot.adapters.dynamodb.singles import COMPOSITION, DynamoSingleRows, DynamoSingles
from meghdoot.adapters.queues import single_body
from meghdoot.areas.messaging.singles.model import Composition, Single
from meghdoot.wiring import urgent
from urgent.app import handler as urgent_handler
Records(light.calls(), "definitions", Composition, COMPOSITION).add(Composition("acme", "single-c", "transactional", content, now))
single = Single("acme", "0" * 32, "f", "single-c", "t1", 1, "c0", "email", "transactional", "otp", "en", now,
    now + timedelta(minutes=15), address="c0@x.example", fields={"first_name": "Rita"})
DynamoSingles(light.calls(), "activity").add(single, now + timedelta(days=1))
urgent.sender().seal = type("Open", (), {"intact": lambda self: True, "since": lambda self: None})()
class Context:
    def get_remaining_time_in_millis(self): return 60_000
event = {"Records": [{"messageId": "m1", "body": single_body(single.ref)}, {"messageId": "m2", "body": "x"}]}
assert urgent_handler(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
row = DynamoSingleRows(light.calls(), "activity").get(single)
assert row.state == "accepted", row
assert len(mails) == 1
"""
)


def environment(tmp: Path) -> dict[str, str]:
    """What the platform gives, and a place for compiled files: a deployed layer is compiled too."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHONDONT"))}
    tables = {f"TABLE_{name}": name.lower() for name in ("DEFINITIONS", "PEOPLE", "ACTIVITY", "VALUE", "WORK")}
    return env | tables | {
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("layers/core", "functions", ".")),
        "PYTHONPYCACHEPREFIX": str(tmp),
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "ap-south-1",
        "BUCKET_WITHDRAWALS": "withdrawals", "BUCKET_LAKE": "lake", "SENDER_RATE": "500", "SES_CONFIGURATION_SET": "meghdoot",
        "QUEUE_CHUNKS_URL": "https://sqs.ap-south-1.amazonaws.com/1/chunks",
        "QUEUE_RECEIPTS_URL": "https://sqs.ap-south-1.amazonaws.com/1/receipts",
        "QUEUE_URGENT_URL": "https://sqs.ap-south-1.amazonaws.com/1/urgent",
        "PROVIDER_TOPIC_ARNS": "arn:aws:sns:ap-south-1:123456789012:provider-events",
        "MEGHDOOT_KEYRING": '{"current":"k1","keys":{"k1":"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="}}',
    }  # fmt: skip


def run(code: str, env: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("code", [_PUBLIC, _WEBHOOKS, _SENDER, _URGENT], ids=["public", "webhooks", "sender", "urgent"])
def test_no_sdk_is_loaded_by_the_first_requests(code: str, tmp_path: Path) -> None:
    loaded = run(code + "\nimport sys\nprint(*sorted(sys.modules))", environment(tmp_path)).split()
    assert "meghdoot.wiring.light" in loaded
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []


@pytest.mark.parametrize("module", ["public.app", "webhooks.app"])
def test_an_import_loads_at_most_half_as_many_modules_as_boto3(module: str, tmp_path: Path) -> None:
    """Processor time is measured by `make bench`; the number of modules is the same on every machine."""
    env, loaded = environment(tmp_path), {}
    for name in (module, "boto3"):
        code = f"import sys; before = len(sys.modules); import {name}; print(len(sys.modules) - before)"
        loaded[name] = int(run(code, env))
    assert loaded[module] <= BUDGET * loaded["boto3"], loaded
