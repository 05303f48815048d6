"""Campaigns, their timers and the machine that runs them behave alike in memory and on AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.campaigns import DynamoLaunchTimers, dynamo_campaigns, dynamo_email_campaigns
from meghdoot.adapters.dynamodb.models import DocumentItem, bind
from meghdoot.adapters.machines import StepFunctionsRunMachine
from meghdoot.adapters.memory.campaigns import (
    MemoryLaunchTimers,
    MemoryRunMachine,
    memory_campaigns,
    memory_email_campaigns,
)
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign
from meghdoot.areas.campaigns.ports import Campaigns, EmailCampaigns, LaunchTimers, RunMachine
from meghdoot.kernel.errors import Stale, Unavailable
from meghdoot.kernel.money import Money
from tests.contract.conftest import REGION, Substrate

NOW = datetime(2026, 1, 5, 9, 0, 30, tzinfo=UTC)
CAMPAIGN = Campaign(
    tenant="acme", id="c1", campaign_name="Eid", campaign_type="acquisition", campaign_objective="sales",
    status="draft", channels=("email", "sms"), currency="BDT", created_by="e", created_at=NOW, updated_at=NOW,
    campaign_name_bn="ঈদ", budget=Money(5_000_000, "BDT"), end_date=NOW, target_audience={"segments": ["s"], "n": 1.5},
)  # fmt: skip
EMAIL = EmailCampaign(
    tenant="acme", id="m1", campaign_name="Eid", subject_line="🌙", sender_name="Shop", sender_email="a@b.example",
    template_id="t", status="draft", send_type="scheduled", timezone="Asia/Dhaka", created_by="e", created_at=NOW,
    updated_at=NOW, target_segments=("s1", "s2"), scheduled_time=NOW, content={"products": ["p"]},
)  # fmt: skip


@pytest.fixture
def campaigns(substrate: Substrate) -> Campaigns:
    if substrate.is_memory:
        return memory_campaigns()
    return dynamo_campaigns(bind(DocumentItem, substrate.tables["definitions"], REGION, substrate.endpoint))


@pytest.fixture
def emails(substrate: Substrate) -> EmailCampaigns:
    if substrate.is_memory:
        return memory_email_campaigns()
    return dynamo_email_campaigns(bind(DocumentItem, substrate.tables["definitions"], REGION, substrate.endpoint))


@pytest.fixture
def timers(substrate: Substrate) -> LaunchTimers:
    if substrate.is_memory:
        return MemoryLaunchTimers()
    return DynamoLaunchTimers(BotoCalls(substrate.client("dynamodb")), substrate.tables["work"], shards=4)


def test_a_campaign_is_read_back_whole_and_listed_by_status(campaigns: Campaigns) -> None:
    campaigns.add(CAMPAIGN)
    assert campaigns.get("acme", "c1") == CAMPAIGN
    assert [c.id for c in campaigns.page("acme", status="draft").items] == ["c1"]
    campaigns.replace(replace(CAMPAIGN, status="active", version=2), 1)
    assert campaigns.page("acme", status="draft").items == ()
    with pytest.raises(Stale):
        campaigns.replace(replace(CAMPAIGN, version=2), 1)


def test_an_email_campaign_is_read_back_whole(emails: EmailCampaigns) -> None:
    emails.add(EMAIL)
    assert emails.get("acme", "m1") == EMAIL
    assert [e.id for e in emails.page("acme", status="draft").items] == ["m1"]


def test_timers_come_due_in_the_order_of_time_and_not_before(timers: LaunchTimers) -> None:
    late, soon = NOW + timedelta(minutes=2), NOW + timedelta(seconds=20)
    timers.set("acme", "b", late)
    timers.set("acme", "a", soon)
    timers.set("other", "a", soon)
    timers.set("acme", "a", soon)
    assert timers.due(NOW) == []
    assert timers.due(soon) == [("acme", "a", soon), ("other", "a", soon)]
    assert timers.due(late, limit=2) == [("acme", "a", soon), ("other", "a", soon)]
    assert timers.due(late) == [("acme", "a", soon), ("other", "a", soon), ("acme", "b", late)]


def test_a_timer_stays_until_it_is_done(timers: LaunchTimers) -> None:
    at = NOW.replace(microsecond=123456)
    timers.set("acme", "a", at)
    assert timers.due(at) == timers.due(at) == [("acme", "a", at)]
    timers.done("acme", "a", at)
    timers.done("acme", "a", at)
    assert timers.due(at) == []


def test_a_timer_that_was_not_handled_is_found_after_an_outage(timers: LaunchTimers) -> None:
    assert timers.due(NOW) == []
    timers.set("acme", "a", NOW + timedelta(minutes=1))
    much_later = NOW + timedelta(minutes=4)
    assert timers.due(much_later) == [("acme", "a", NOW + timedelta(minutes=1))]
    assert timers.due(much_later + timedelta(minutes=1)) == [("acme", "a", NOW + timedelta(minutes=1))]


def test_a_timer_set_in_the_past_is_not_lost(timers: LaunchTimers) -> None:
    assert timers.due(NOW) == []
    timers.set("acme", "a", NOW - timedelta(days=30))
    ((tenant, thing, at),) = timers.due(NOW + timedelta(minutes=1))
    assert (tenant, thing) == ("acme", "a")
    timers.done(tenant, thing, at)
    assert timers.due(NOW + timedelta(minutes=1)) == []


def test_timers_of_one_minute_spread_over_shards(substrate: Substrate) -> None:
    if substrate.is_memory:
        pytest.skip("memory has no partitions")
    client = substrate.client("dynamodb")
    timers = DynamoLaunchTimers(BotoCalls(client), substrate.tables["work"])
    for n in range(60):
        timers.set("acme", f"m{n}", NOW)
    found = client.scan(TableName=substrate.tables["work"])["Items"]
    partitions = {item["pk"]["S"] for item in found}
    assert len(partitions) > 20
    assert all(pk.startswith(keys.timer_pk(NOW, 0)[:-2]) for pk in partitions)


MACHINE: dict[str, Any] = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


@pytest.fixture
def machine(substrate: Substrate) -> tuple[RunMachine, Callable[[], list[str]]]:
    if substrate.is_memory:
        memory = MemoryRunMachine()
        return memory, lambda: [run for _, run in memory.started]
    client = substrate.client("stepfunctions")
    arn = client.create_state_machine(
        name="campaign_run", definition=json.dumps(MACHINE), roleArn="arn:aws:iam::123456789012:role/m"
    )["stateMachineArn"]
    started = StepFunctionsRunMachine(client, arn)
    return started, lambda: [e["name"] for e in client.list_executions(stateMachineArn=arn)["executions"]]


def test_094_an_execution_is_started_once_however_often_it_is_asked_for(
    machine: tuple[RunMachine, Callable[[], list[str]]],
) -> None:
    run_machine, started = machine
    for _ in range(3):
        run_machine.start("acme", "run-1")
    run_machine.start("acme", "run-2")
    assert sorted(started()) == ["run-1", "run-2"]


def test_a_machine_that_is_not_there_is_unavailable(substrate: Substrate) -> None:
    if substrate.is_memory:
        pytest.skip("memory has always a machine")
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
    with pytest.raises(Unavailable):
        StepFunctionsRunMachine(substrate.client("stepfunctions"), arn).start("acme", "run-1")
