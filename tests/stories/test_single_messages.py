"""Receipts and codes through the API: asked for twice, sent once, heard of; refused to whoever must not get them."""

from __future__ import annotations

from quopri import decodestring
from typing import Any

import pytest
from public.app import handler

from meghdoot.areas.messaging.model import Fact, Outcome
from meghdoot.wiring import public
from tests.api.client import Reply
from tests.support.visits import visit
from tests.support.whole_house import PROVIDER, WholeHouse

RECEIPT = {
    "template_name": "Receipt", "template_category": "transactional", "subject_line": "Order {{order}}",
    "subject_line_bn": "অর্ডার {{order}}", "html_content": '<p>Hi {{first_name}}</p><a href="https://shop.example/o">see</a>',
    "html_content_bn": '<p>প্রিয় {{first_name}}</p><a href="https://shop.example/o">দেখুন</a>',
    "variables": [{"name": "first_name", "default": "friend"}, {"name": "order"}],
}  # fmt: skip
SENDER = "news@shop.example"


@pytest.fixture
def house() -> WholeHouse:
    house = WholeHouse()
    house.client.post("/senders", {"sender_email": SENDER, "display_name": "Shop"})
    house.client.post(f"/senders/{SENDER}/verify")
    return house


def ask(house: WholeHouse, key: str = "order-17", **more: Any) -> Reply:
    if not hasattr(house, "template"):
        made = house.client.post("/templates", RECEIPT)
        assert made.status == 201, made.text
        house.template = made.json["id"]  # type: ignore[attr-defined]
    body = {
        "email": "rahima@example.com", "template_id": house.template, "sender_email": SENDER,  # type: ignore[attr-defined]
        "variables": {"order": "A-17"}, **more,
    }  # fmt: skip
    return house.client.call("POST", "/messages", body, Idempotency_Key=key)


def told(house: WholeHouse, mail: Any, kind: Any = "delivered", **more: Any) -> None:
    tags, now = mail.tags, house.clock.now()
    house.receipts.record([
        Fact(
            PROVIDER, kind, now, f"{kind}-1", accepted_at=now, tenant=tags["tenant"], run_id=tags["run"],
            customer_id=tags["customer"], send_key=tags["key"], minute=tags["minute"], address=mail.to,
            message_id=tags["message"], attempt=int(tags["attempt"]), **more,
        )
    ])  # fmt: skip


def test_006_a_receipt_asked_for_twice_with_one_key_is_one_mail(house: WholeHouse) -> None:
    rahima = house.person("Rahima", first_name="রহিমা", language="bn", consent=False)
    first = ask(house)
    assert (first.status, first.json["state"], first.json["customer_id"]) == (202, "pending", rahima)
    # The second comes two days later, when the answer of the first is no longer remembered
    house.clock.advance(days=2)
    second = ask(house)
    assert (second.status, second.json["id"]) == (202, first.json["id"])
    house.send_singles()
    assert len(house.provider.accepted) == 1
    mail = house.provider.accepted[0]
    raw = decodestring(mail.raw or b"").decode()
    assert "প্রিয় রহিমা" in raw
    assert "List-Unsubscribe" not in raw
    told(house, mail)
    shown = house.client.get(f"/messages/{first.json['id']}").json
    assert (shown["state"], shown["class"], shown["language"]) == ("delivered", "default", "bn")
    assert shown["evidence"] | {"provider_message_id": None, "mail_hash": None} == {
        "attempts": 1, "in_doubt": 0, "provider": PROVIDER, "provider_message_id": None, "heard_attempt": 1,
        "mail_hash": None,
    }  # fmt: skip
    # And another order under the same key is refused, now and in a year
    assert ask(house, variables={"order": "B-18"}).code == "idempotency_key_reused"
    house.clock.advance(days=365)
    assert ask(house, variables={"order": "B-18"}).code == "idempotency_key_reused"


def test_a_link_of_a_receipt_leads_where_the_template_says(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public, "site", lambda: house.site)
    house.person("Rahima")
    ask(house)
    house.send_singles()
    raw = decodestring(house.provider.accepted[0].raw or b"").decode()
    link = raw.partition('href="https://m.example.test')[2].partition('"')[0]
    assert "/c/" in link
    reply = handler(visit("GET", link), None)
    assert (reply["statusCode"], reply["headers"]["Location"]) == (302, "https://shop.example/o")


def test_whoever_has_unsubscribed_gets_receipts_and_whoever_has_complained_gets_none(house: WholeHouse) -> None:
    rahima = house.person("Rahima")
    act = {"channel": "email", "state": "withdrawn"}
    house.client.post(f"/customers/{rahima}/consent", act)
    ask(house, "k-1")
    assert house.send_singles() == ["accepted"]
    told(house, house.provider.accepted[0], "complained", subtype="abuse")
    refused = ask(house, "k-2")
    assert (refused.status, refused.json["state"], refused.json["reason"]) == (202, "skipped", "suppressed")
    assert house.send_singles() == []


def test_a_code_reaches_its_reader_although_the_first_answer_was_lost(house: WholeHouse) -> None:
    house.provider.failure = lambda _mail, number: Outcome("ambiguous", code="timeout") if number == 1 else None
    asked = ask(house, **{"class": "otp"})
    assert asked.json["class"] == "otp"
    assert house.send_singles() == ["parked"]
    assert house.send_singles() == ["accepted"]
    shown = house.client.get(f"/messages/{asked.json['id']}").json
    assert (shown["state"], shown["evidence"]["attempts"], shown["evidence"]["in_doubt"]) == ("accepted", 2, 1)


def test_everything_stops_within_a_word_and_goes_on_with_another(house: WholeHouse) -> None:
    house.client.post("/sending/stop", {"reason": "wrong price"})
    asked = ask(house)
    assert house.send_singles() == ["held"]
    house.client.post("/sending/resume", {})
    for _ in range(6):
        house.clock.advance(minutes=1)
        house.single_sweeper.sweep()
        house.send_singles()
    assert house.client.get(f"/messages/{asked.json['id']}").json["state"] == "accepted"
    assert house.provider.calls == 1


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"channel": "sms"}, "channel", "channel_not_available"),
        ({"variables": {}}, "order", "missing_variable"),
        ({"email": None}, "customer_id", "recipient_required"),
        ({"purpose": "marketing"}, "purpose", "purpose_of_template"),
        ({"class": "slow"}, "class", "literal_error"),
        ({"template_version": 0}, "template_version", "greater_than_equal"),
    ],
)
def test_002_what_is_wrong_is_named_by_its_field(
    house: WholeHouse, more: dict[str, Any], field: str, code: str
) -> None:
    house.person("Rahima")
    reply = ask(house, **more)
    assert reply.status == 422, reply.text
    assert (field, code) in [(e["field"], e["code"]) for e in reply.json["errors"]]


def test_a_message_without_any_key_is_refused(house: WholeHouse) -> None:
    ask(house)
    body = {"email": "a@example.com", "template_id": house.template, "sender_email": SENDER}  # type: ignore[attr-defined]
    reply = house.client.post("/messages", body)
    assert (reply.status, reply.fields) == (422, ["key"])
    assert house.client.post("/messages", {**body, "variables": {"order": "1"}, "key": "k"}).status == 202
