"""Intake on moto: what can be stored is, what cannot fails its own message, and a redelivery doubles nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from intake.app import handler, logger

from meghdoot.wiring import intake
from tests.support.world import world


@pytest.fixture(autouse=True)
def _deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with world(monkeypatch):
        yield


def deliver(*bodies: Any) -> list[str]:
    """Ids of the messages that failed: m0, m1 and so on, with a body each (text is sent as it is)."""
    records = [
        {"messageId": f"m{n}", "body": body if isinstance(body, str) else json.dumps(body), "attributes": {},
         "messageAttributes": {}, "receiptHandle": "r", "eventSource": "aws:sqs", "awsRegion": "us-east-1"}
        for n, body in enumerate(bodies)
    ]  # fmt: skip
    return [failure["itemIdentifier"] for failure in handler({"Records": records}, None)["batchItemFailures"]]


def events(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"v": 1, "kind": "events", "tenant": "acme", "create_missing": True, "events": list(items)} | more


PURCHASE = {
    "type": "purchase",
    "email": "Ann@example.com",
    "amount": "12.50",
    "currency": "BDT",
    "properties": {"n": 1},
}


def test_027_a_redelivered_batch_is_stored_once_even_without_ids_and_times() -> None:
    message = events(PURCHASE, PURCHASE)
    assert deliver(message) == []
    assert deliver(message) == []
    service = intake.customers()
    stored = service.timeline("acme", service.find("acme", "email", "ann@example.com").id).items
    assert [(e.type, e.amount.minor if e.amount else None) for e in stored] == [("purchase", 1250)] * 2


def test_030_a_message_that_cannot_be_taken_fails_alone_and_the_good_ones_are_stored() -> None:
    good = {"v": 1, "kind": "customers", "tenant": "acme", "customers": [{"email": "ann@example.com", "city": "Dhaka"}]}
    half = events(PURCHASE, {"type": "Bad", "email": "x"}, {**PURCHASE, "amount": 0.3}, {**PURCHASE, "at": "yesterday"})
    assert deliver("not json", good, half, "[]") == ["m0", "m2", "m3"]
    service = intake.customers()
    ann = service.find("acme", "email", "ann@example.com")
    assert ann.city == "Dhaka"
    assert len(service.timeline("acme", ann.id).items) == 1


@pytest.mark.parametrize(
    "body",
    [
        events(v=2), events(v=None), events(tenant="a#b"), events(tenant=None), events(kind="tenants"),
        events(events={}), {"v": 1, "kind": "customers", "tenant": "acme", "customers": ["x"]}, "[" * 100_000,
    ],
)  # fmt: skip
def test_034_a_message_of_another_shape_is_never_guessed_at(body: Any) -> None:
    assert deliver(body) == ["m0"]


def test_034_fields_that_a_newer_writer_added_are_passed_over() -> None:
    message = {"v": 1, "kind": "customers", "tenant": "acme", "x": 1, "customers": [{"email": "a@x.test", "new": 1}]}
    assert deliver(message) == []


def test_null_clears_and_absent_keeps() -> None:
    def customers(**fields: Any) -> dict[str, Any]:
        return {"v": 1, "kind": "customers", "tenant": "acme", "customers": [{"email": "a@x.test"} | fields]}

    assert deliver(customers(city="Dhaka", first_name="A"), customers(city=None)) == []
    ann = intake.customers().find("acme", "email", "a@x.test")
    assert (ann.city, ann.first_name) == (None, "A")


def test_002_items_of_wrong_types_fail_their_message_and_store_nothing() -> None:
    people = [{"customer_id": [1]}, {"email": ["a@x.test"]}, {"email": "a@x.test", "attributes": "x"}, {"phone": {}}]
    things = [{"type": None}, {**PURCHASE, "customer_id": {}}, {**PURCHASE, "email": 5}, {**PURCHASE, "event_id": [1]}]
    assert deliver({"v": 1, "kind": "customers", "tenant": "acme", "customers": people}, events(*things)) == [
        "m0",
        "m1",
    ]
    assert intake.customers().page("acme").items == ()


def test_an_event_of_somebody_unknown_waits_for_them() -> None:
    message = events(PURCHASE, create_missing=False)
    assert deliver(message) == ["m0"]
    deliver({"v": 1, "kind": "customers", "tenant": "acme", "customers": [{"email": "ann@example.com"}]})
    assert deliver(message) == []


def test_026_the_log_holds_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr(logger.handlers[0], "stream", out)
    deliver(events({**PURCHASE, "email": "canary@"}, {**PURCHASE, "email": "canary@example.com"}))
    assert "canary" not in out.getvalue()
    assert '"refused":{"invalid_request":1}' in out.getvalue()
