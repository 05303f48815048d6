"""The local stack's own parts: the shop's people, the localised template, the front door, the provider's readers."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from meghdoot_cli import cdnow, demo, newsletter
from meghdoot_cli.frontdoor import Answer, FrontDoor, routes
from meghdoot_cli.inbox import Inbox
from meghdoot_cli.localise import localise
from meghdoot_cli.provider import LocalProvider, tracked_links

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 21)


def test_the_shop_is_the_published_sample() -> None:
    people = cdnow.load(TODAY)
    assert len(people) == 2357
    assert sum(len(p.purchases) for p in people) == 6919
    assert len({x.event_id for p in people for x in p.purchases}) == 6919
    assert max(x.day for p in people for x in p.purchases) == TODAY


@pytest.mark.parametrize(("days", "count"), [(89, 388), (90, 387), (91, 386)])
def test_a_day_more_or_less_moves_the_count_by_one(days: int, count: int) -> None:
    assert cdnow.count_by_a_plain_loop(cdnow.load(TODAY), TODAY, at_least=Decimal(100), days=days) == count


def test_every_run_of_the_demo_meets_the_same_people() -> None:
    assert cdnow.person_of("cdnow-00004") == cdnow.person_of("cdnow-00004")
    assert all(p.email.endswith(".example.com") for p in cdnow.load(TODAY))


def test_the_local_template_calls_back_and_keeps_what_holds_data() -> None:
    local = localise(ROOT, "http://127.0.0.1:1/invoke", "code")
    kinds = {r["Type"] for r in local.template["Resources"].values()}
    assert {"AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::CloudFormation::Stack"} <= kinds
    assert not kinds & {"AWS::Serverless::Api", "AWS::Serverless::LayerVersion", "AWS::CloudWatch::Alarm"}
    for name, resource in local.template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            variables = resource["Properties"]["Environment"]["Variables"]
            assert variables["MINISTACK_LAMBDA_PROXY_URL"] == f"http://127.0.0.1:1/invoke/{name}"


def test_every_event_source_of_the_template_is_polled_by_us() -> None:
    local = localise(ROOT, "http://127.0.0.1:1/invoke", "code")
    assert {s.function for s in local.sources} >= {
        "SenderFunction", "ReceiptsFunction", "IntakeFunction", "CountersFunction", "ArchiveFunction", "TickerFunction", "UrgentFunction",
    }  # fmt: skip


def test_a_literal_path_is_found_before_a_parameter() -> None:
    found = routes(ROOT / "infra" / "openapi.json")
    order = [r.path for r in found if r.method == "GET"]
    assert order.index("/api/v1/marketing/email-campaigns/unsubscribes") < order.index(
        "/api/v1/marketing/email-campaigns/{email_campaign_id}"
    )


@pytest.fixture
def seen() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def door(seen: list[tuple[str, Any]]) -> Any:
    def invoke(function: str, event: Any) -> Any:
        seen.append((function, event))
        if function == "AuthorizerFunction":
            allowed = event["headers"].get("authorization") == "Bearer good"
            statement = {"Effect": "Allow" if allowed else "Deny"}
            return {"principalId": "p", "policyDocument": {"Statement": [statement]}, "context": {"tenant": "acme"}}
        return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "here"}

    files = [ROOT / "infra" / "openapi.json", ROOT / "infra" / "openapi-public.json"]
    front = FrontDoor(files, invoke, lambda *_: None)
    yield front
    front.server.server_close()


def test_the_gateway_asks_the_authorizer_first(door: FrontDoor, seen: list[tuple[str, Any]]) -> None:
    assert door.answer("GET", "/api/v1/marketing/customers", {"authorization": "Bearer bad"}, b"").status == 401
    assert [f for f, _ in seen] == ["AuthorizerFunction"]
    answer = door.answer("GET", "/api/v1/marketing/customers/c1?limit=5", {"authorization": "Bearer good"}, b"")
    assert answer == Answer(200, b"here", "text/plain")
    event = seen[-1][1]
    assert event["pathParameters"] == {"customer_id": "c1"}
    assert event["queryStringParameters"] == {"limit": "5"}
    assert event["requestContext"]["authorizer"]["tenant"] == "acme"


def test_public_paths_need_no_key_and_unknown_ones_are_refused_as_the_gateway_does(door: FrontDoor) -> None:
    assert door.answer("GET", "/u/token", {}, b"").status == 200
    assert door.answer("GET", "/nowhere", {}, b"").status == 403


def _mail(html: str) -> bytes:
    mail = EmailMessage()
    mail["Subject"], mail["To"], mail["From"] = "আপনাকে মনে পড়ে", "a@b.example.com", "s@b.example.com"
    mail.set_content("text")
    mail.add_alternative(html, subtype="html")
    return mail.as_bytes()


def test_the_inbox_shows_a_mail_in_all_its_forms() -> None:
    provider = LocalProvider(lambda _event: None)
    inbox = Inbox(provider)
    html = '<a href="https://x.example/c/tok/1">go</a><a href="https://x.example/c/tok/0">trap</a>'
    body = {
        "mime_base64": b64encode(_mail(html)).decode(),
        "to": "a@b.example.com",
        "from": "s@b.example.com",
        "tags": {},
    }
    answer = inbox("POST", "/provider/send", {}, json.dumps(body).encode())
    assert answer is not None
    assert json.loads(answer.body)["MessageId"]
    assert tracked_links(provider.accepted[0]) == ["https://x.example/c/tok/1"]
    for path in (
        "/inbox",
        "/inbox/1",
        "/inbox/1/text",
        "/inbox/1/headers",
        "/inbox/1/source",
        "/inbox/1/links",
        "/report",
    ):
        shown = inbox("GET", path, {}, b"")
        assert shown is not None
        assert shown.status == 200
    missing = inbox("GET", "/inbox/2", {}, b"")
    assert missing is not None
    assert missing.status == 404


def test_the_verdict_names_each_broken_promise() -> None:
    good = {
        "audience": 3, "segment_count": 3, "independent_count": 3, "accounting": {"delivered": 3}, "sent_without_consent": 0,
        "sent_twice": 0, "delivered": 3, "bounced": 1, "complained": 1, "opened": 1, "clicked": 1, "unsubscribed": 1,
        "conversions": 1, "reconciled": 3, "contradictions": {}, "root_verified": True,
    }  # fmt: skip
    assert demo.verdict(good) == []
    assert demo.verdict({**good, "sent_twice": 1}) == ["somebody was mailed twice"]
    assert demo.verdict({**good, "accounting": {"delivered": 2}}) == ["somebody is unaccounted for"]
    assert demo.verdict({**good, "accounting": {"delivered": 2, "unknown": 1}}) == ["somebody's fate is unknown"]
    assert demo.verdict({**good, "conversions": 0}) == ["no conversions"]
    assert demo.verdict({**good, "reconciled": 2}) == ["the account does not add up"]
    assert demo.verdict({**good, "contradictions": {"root": 1}}) == ["the account contradicts itself"]
    for unproven in (False, None):
        assert demo.verdict({**good, "root_verified": unproven}) == ["the proof of the run does not hold"]


def test_the_newsletter_comes_in_two_languages() -> None:
    body = newsletter.template()
    assert "{{ unsubscribe_url }}" in body["html_content_bn"]
    assert newsletter.CONTENT.keys() == newsletter.CONTENT_BN.keys()
