"""What ops do by the command line, and what the ticker does for a new deployment, on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from ticker.app import handler as tick

from meghdoot.adapters.dynamodb.counters import DynamoCounters
from meghdoot.areas.analytics.counting import padded
from meghdoot.areas.analytics.model import WHOLE_TENANT, Counter, CounterKey
from meghdoot.areas.consent.model import Withdrawal
from meghdoot.areas.customers.model import Customer
from meghdoot.wiring import aws, messaging
from meghdoot.wiring.api import endpoint
from meghdoot.wiring.redriving import QUEUES
from meghdoot_cli.__main__ import main
from tests.contract.test_holding import restored
from tests.support.killing import World
from tests.support.world import REGION, world

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Context:
    """An invocation with a minute left."""

    function_name, memory_limit_in_mb, invoked_function_arn, aws_request_id = "f", 128, "arn", "r1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setenv("MACHINE_CAMPAIGN_RUN_ARN", "arn:aws:states:us-east-1:123456789012:stateMachine:run")
    monkeypatch.setenv("MACHINE_SEGMENT_REFRESH_ARN", "arn:aws:states:us-east-1:123456789012:stateMachine:refresh")
    with world(monkeypatch) as env:
        yield env


def unsealed(env: dict[str, str]) -> None:
    client: Any = boto3.client("dynamodb", region_name=REGION)
    for table in ("DEFINITIONS", "PEOPLE", "ACTIVITY"):
        client.delete_item(TableName=env[f"TABLE_{table}"], Key={"pk": {"S": "SEAL"}, "sk": {"S": "SEAL"}})
    aws.forget()


def no_of(tenant: str, customer: str, kind: str = "unsubscribe") -> Withdrawal:
    return Withdrawal(tenant, f"{kind}-{customer}", kind, NOW, "email", "marketing", customer)


def test_133_ops_stop_and_resume_a_tenant(deployed: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenant", "acme", "--name", "Acme", "--address", "1 Lake Road, Dhaka"]) == 0
    assert main(["stop-sending", "acme", "--reason", "Wrong price"]) == 0
    hold = messaging.holds().get("acme")
    assert hold is not None
    assert (hold.scope, hold.by, hold.words) == ("all", "command-line", "Wrong price")
    assert main(["resume-sending", "acme"]) == 0
    assert messaging.holds().get("acme") is None
    assert main(["resume-sending", "acme"]) == 1
    assert main(["stop-sending", "nobody", "--reason", "x"]) == 1
    actions = [entry.action for entry in endpoint().services.access.audit_page("acme").items]
    assert actions[:2] == ["sending.resume", "sending.stop"]
    assert "not_held" in capsys.readouterr().err


def test_080_the_ticker_seals_a_new_deployment_and_no_other(deployed: dict[str, str]) -> None:
    unsealed(deployed)
    assert not messaging.seal().intact()
    tick({}, Context())
    assert messaging.seal().intact()
    unsealed(deployed)
    messaging.consent().log.append(no_of("acme", "c1"))
    tick({}, Context())
    assert not messaging.seal().intact()


def test_080_a_deployment_older_than_seals_is_sealed_by_hand_and_a_restored_one_is_not(
    deployed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    unsealed(deployed)
    messaging.consent().log.append(no_of("acme", "c1"))
    assert main(["seal", "--tables-were-never-restored"]) == 0
    assert messaging.seal().intact()
    restored(_Tables(), deployed["TABLE_PEOPLE"])  # type: ignore[arg-type]
    aws.forget()
    assert main(["seal", "--tables-were-never-restored"]) == 1
    assert not messaging.seal().intact()
    assert "replay-noes" in capsys.readouterr().out


def test_080_a_restored_deployment_sends_again_only_after_the_replay(
    deployed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a person who unsubscribed and one who was erased after a backup, and a run that was live in it
    services = endpoint().services
    for name in ("out", "erased"):
        services.addresses.customers.customers.create(
            Customer("acme", name, NOW, NOW, email=f"{name}@x.example"), {"email": f"k-{name}"}
        )
        services.consent.record("acme", name, "email", "marketing", "granted", source="api", text_version="v1")
    run = World(1).launch()
    messaging.runs().add(run)
    client: Any = boto3.client("dynamodb", region_name=REGION)
    backup = client.create_backup(TableName=deployed["TABLE_PEOPLE"], BackupName="nightly")["BackupDetails"]
    services.consent.withdraw_all("acme", "out", source="unsubscribe_page")
    services.addresses.erase("acme", "erased")
    # When the table comes back from the backup
    client.delete_table(TableName=deployed["TABLE_PEOPLE"])
    client.restore_table_from_backup(TargetTableName=deployed["TABLE_PEOPLE"], BackupArn=backup["BackupArn"])
    aws.forget()
    assert "em:m" in messaging.gates().read("acme", ["out"])["out"].granted
    tick({}, Context())
    assert not messaging.seal().intact()
    # Then the replay says the noes again, locks the run, and seals
    assert main(["restore", "--replay-noes"]) == 0
    told = capsys.readouterr().out
    assert "sealed" in told
    assert run.id in told
    gates = messaging.gates().read("acme", ["out", "erased"])
    assert gates.keys() == {"out"}
    assert not gates["out"].granted
    assert endpoint().services.runs.get("acme", run.id).pause_reason == "restored"
    assert messaging.seal().intact()
    # And a second replay finds nothing to do
    assert main(["restore", "--replay-noes"]) == 0
    assert "applied" not in capsys.readouterr().out


def test_080_a_line_that_nobody_can_read_is_named_and_leaves_the_seal_broken(
    deployed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "withdrawals/acme/2026-01-05/odd.json"
    boto3.client("s3", region_name=REGION).put_object(
        Bucket=deployed["BUCKET_WITHDRAWALS"], Key=name, Body=json.dumps({"v": 9}).encode()
    )
    restored_table = deployed["TABLE_DEFINITIONS"]
    restored(_Tables(), restored_table)
    aws.forget()
    assert main(["restore", "--replay-noes"]) == 1
    assert name in capsys.readouterr().out
    assert not messaging.seal().intact()
    assert main(["restore", "--replay-noes", "--past-unreadable"]) == 0
    assert messaging.seal().intact()


class _Tables:
    """As much of a substrate as a restore needs."""

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)


@pytest.mark.parametrize("queue", QUEUES)
def test_033_ops_redrive_each_queue_by_its_name(
    deployed: dict[str, str], queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a queue with dead letters, as the template has it
    sqs: Any = boto3.client("sqs", region_name=REGION)
    url = deployed[f"QUEUE_{queue.upper()}_URL"]
    dead = sqs.create_queue(QueueName=f"{queue}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    stale = json.dumps({"v": 1, "tenant": "acme", "run_id": "none", "number": 0})
    sqs.send_message(QueueUrl=dead, MessageBody=stale)
    # When ops redrive it
    assert main(["redrive", queue]) == 0
    # Then a chunk of no run is dropped, and everything else goes back
    back = sqs.receive_message(QueueUrl=url).get("Messages", [])
    assert [m["Body"] for m in back] == ([] if queue == "chunks" else [stale])
    assert ("dropped: no such run" if queue == "chunks" else "put back") in capsys.readouterr().out
    assert main(["redrive", queue]) == 0
    assert "nothing was given up" in capsys.readouterr().out


def test_134_the_ticker_stops_the_marketing_of_a_tenant_whose_mail_comes_back(deployed: dict[str, str]) -> None:
    assert main(["tenant", "acme", "--name", "Acme", "--address", "1 Lake Road, Dhaka"]) == 0
    messaging.live().add("acme", "r1")
    counters, hour = DynamoCounters(aws.calls(), deployed["TABLE_WORK"]), f"{aws.clock().now():%Y%m%d%H}"
    fates = {"delivered": 940, "bounced": 60}
    counters.write(CounterKey("acme", WHOLE_TENANT, hour, "s", "a"), Counter(padded("1"), fates), None)
    tick({}, Context())
    hold = messaging.holds().get("acme")
    assert hold is not None
    assert (hold.scope, hold.cause) == ("marketing", "bounce_rate")
    assert main(["resume-sending", "acme"]) == 0
    tick({}, Context())
    assert messaging.holds().get("acme") is None
