"""The deployed API on moto: the real adapters behind the real application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from api import app as api
from authorizer.app import handler as authorize

from meghdoot.areas.customers.inputs import CustomerInput, EventInput
from meghdoot.wiring import api as wiring
from meghdoot.wiring import authorizer
from tests.support.world import world

MACHINES = ("MACHINE_CAMPAIGN_RUN_ARN", "MACHINE_SEGMENT_REFRESH_ARN")


class Context:
    """What Lambda gives."""

    function_name = "api"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:api"
    aws_request_id = "ctx-1"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with world(monkeypatch) as env:
        machines: Any = boto3.client("stepfunctions", region_name="us-east-1")
        definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
        for name in MACHINES:
            made = machines.create_state_machine(
                name=name, definition=definition, roleArn="arn:aws:iam::000000000000:role/machines"
            )
            monkeypatch.setenv(name, made["stateMachineArn"])
        wiring.aws.forget()
        assert env
        services = wiring.compose(wiring.ports())
        services.tenants.create("acme", name="Acme", postal_address="1 Lake Road", zone="Asia/Dhaka", currency="BDT")
        yield authorizer.access().create_key("acme", "server", "admin", None, "ops")[1]


def call(key: str, method: str, path: str, body: Any = None, **params: str) -> tuple[int, Any]:
    """One request through authorizer and function, as the gateway joins them."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    event: dict[str, Any] = {
        "headers": headers, "multiValueQueryStringParameters": None, "pathParameters": params or None,
        "body": None if body is None else json.dumps(body), "stageVariables": None, "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": method, "resourcePath": "/api/v1/marketing" + path, "requestId": "req-1",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "tests"},
        },
    }  # fmt: skip
    arn = "arn:aws:execute-api:us-east-1:000000000000:api1/live/GET/x"
    event["requestContext"]["authorizer"] = authorize({"headers": headers, "methodArn": arn}, None)["context"]
    answer = api.handler(event, Context())
    return answer["statusCode"], json.loads(answer["body"] or "null")


def test_the_api_keeps_people_consent_and_definitions_on_the_real_tables(key: str) -> None:
    status, made = call(key, "POST", "/customers", {"email": "rahima@example.com", "first_name": "রহিমা"})
    assert (status, made["result"]) == (200, "created")
    customer = made["customer"]["id"]
    act = {"channel": "email", "state": "granted", "text_version": "v1"}
    assert call(key, "POST", "/customers/{customer_id}/consent", act, customer_id=customer)[0] == 201
    assert call(key, "GET", "/customers/{customer_id}/consent/gate", customer_id=customer)[1]["granted"] == ["em:m"]
    purchase = {"id": "o1", "customer_id": customer, "type": "purchase", "amount": 12.5, "at": "2026-01-01T00:00:00Z"}
    assert call(key, "POST", "/events", purchase)[1]["result"] == "created"
    assert call(key, "POST", "/events", purchase)[1]["result"] == "duplicate"
    assert call(key, "GET", "/customers/{customer_id}/events", customer_id=customer)[1]["events"][0]["amount"] == 12.5
    criteria = {"conditions": [{"field": "total_orders", "operator": "greater_than", "value": 0}], "logic": "AND"}
    segment = call(key, "POST", "/segments", {"segment_name": "Buyers", "criteria": criteria})[1]
    assert call(key, "POST", "/segments/{segment_id}/refresh", segment_id=segment["id"])[0] == 202
    assert [s["id"] for s in call(key, "GET", "/segments")[1]["segments"]] == [segment["id"]]
    assert [e["action"] for e in call(key, "GET", "/audit-log")[1]["entries"]] == ["segment.create", "key.create"]
    assert call(key, "GET", "/customers/{customer_id}", customer_id="nobody")[0] == 404


def test_a_campaign_is_launched_on_the_real_tables(key: str) -> None:
    call(key, "POST", "/senders", {"sender_email": "news@shop.example", "display_name": "Shop"})
    sender = wiring.ports().senders.all("acme")[0]
    template = {
        "template_name": "Eid", "template_category": "promotional", "subject_line": "Hi",
        "html_content": '<p>{{postal_address}} <a href="{{unsubscribe_url}}">out</a> <a href="https://shop.example">x</a></p>',
    }  # fmt: skip
    made = call(key, "POST", "/templates", template)[1]
    criteria = {"conditions": [{"field": "total_orders", "operator": "greater_than", "value": 0}], "logic": "AND"}
    segment = call(key, "POST", "/segments", {"segment_name": "Buyers", "criteria": criteria})[1]
    body = {
        "campaign_name": "Eid", "subject_line": "Eid", "sender_name": "Shop", "sender_email": sender.id,
        "template_id": made["id"], "target_segments": [segment["id"]],
    }  # fmt: skip
    email = call(key, "POST", "/email-campaigns", body)[1]["id"]
    findings = call(key, "POST", "/email-campaigns/{email_campaign_id}/check", email_campaign_id=email)[1]["findings"]
    assert not [f for f in findings if f["level"] == "blocking"]
    status, launched = call(key, "POST", "/email-campaigns/{email_campaign_id}/launch", email_campaign_id=email)
    assert status == 202
    run = call(key, "GET", "/runs/{run_id}", run_id=launched["run_id"])[1]
    assert (run["status"], run["accounting"]) == ("planning", {"audience": 0, "people": {}})
    report = call(key, "GET", "/email-campaigns/{email_campaign_id}/performance", email_campaign_id=email)[1]
    assert report["campaign_info"]["total_sent"] == 0


@pytest.mark.parametrize(("seconds", "keeps"), [("0", True), ("3600", True), ("-31536000", False)])
def test_a_stack_whose_clock_stands_in_the_past_keeps_the_events_it_takes(
    key: str, monkeypatch: pytest.MonkeyPatch, seconds: str, keeps: bool
) -> None:
    monkeypatch.setenv("MEGHDOOT_CLOCK_OFFSET_SECONDS", seconds)
    wiring.aws.forget()
    services = wiring.compose(wiring.ports())
    made, _ = services.customers.upsert("acme", CustomerInput(external_id="x1"))
    (result,) = services.customers.record_events("acme", [EventInput("purchase", customer_id=made.id)])
    assert result.error is None
    table = boto3.client("dynamodb", region_name="us-east-1").scan(TableName=wiring.aws.settings().table_activity)
    stored = [item for item in table["Items"] if item["sk"]["S"].startswith("E#")]
    assert [("ttl" in item) for item in stored] == [keeps]
