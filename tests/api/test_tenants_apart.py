"""Fault 19: another tenant's ids are nobody's, on every route, in paths and in bodies. Generated from the route table.

A new route with an id that has no foreign example here fails.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from meghdoot.http.routes import ROUTES
from meghdoot.http.table import Route
from meghdoot.wiring.services import Ports
from tests.api.client import Client, escaped
from tests.api.conftest import open_house
from tests.api.test_resources import CRITERIA, TEMPLATE

NOBODY = "00000000-0000-7000-8000-000000000000"
ID_FIELD = re.compile(r"(^|_)(id|ids)$|^target_segments$|^segments$")
# Names that look like ids and are the client's own words, not ours.
OWN_WORDS = {"external_id", "order_id", "id"}


def populate(owner: Client) -> dict[str, str]:
    """One of everything for a tenant: ids by the name of the parameter or field that takes them."""
    customer = owner.post("/customers", {"external_id": "x1", "email": "a@example.com"}).json["customer"]["id"]
    owner.post(f"/customers/{customer}/consent", {"channel": "email", "state": "granted", "text_version": "v1"})
    owner.post("/senders", {"sender_email": f"news@{owner.tenant}.example", "display_name": "Shop"})
    owner.post(f"/senders/news@{owner.tenant}.example/verify")
    template = owner.post("/templates", TEMPLATE).json["id"]
    segment = owner.post("/segments", {"segment_name": "x", "criteria": CRITERIA}).json["id"]
    campaign = {
        "campaign_name": "c",
        "campaign_type": "retention",
        "campaign_objective": "sales",
        "channels": ["email"],
    }
    campaign_id = owner.post("/campaigns", campaign).json["id"]
    email = {
        "campaign_name": "Eid", "subject_line": "Eid", "sender_name": "Shop",
        "sender_email": f"news@{owner.tenant}.example", "template_id": template, "target_segments": [segment],
    }  # fmt: skip
    email_id = owner.post("/email-campaigns", email).json["id"]
    sent = owner.post("/email-campaigns", email).json["id"]
    return {
        "customer_id": customer, "sender_id": f"news@{owner.tenant}.example", "template_id": template,
        "segment_id": segment, "target_segments": segment, "campaign_id": campaign_id,
        "marketing_campaign_id": campaign_id, "email_campaign_id": email_id,
        "key_id": owner.post("/api-keys", {"name": "k", "role": "viewer"}).json["key"]["id"],
        "message_id": owner.post("/messages", _receipt(owner)).json["id"],
        "run_id": owner.post(f"/email-campaigns/{sent}/launch").json["run_id"],
    }  # fmt: skip


def _receipt(owner: Client) -> dict[str, str]:
    receipt = owner.post("/templates", {**TEMPLATE, "template_category": "transactional"}).json["id"]
    sender = f"news@{owner.tenant}.example"
    return {"template_id": receipt, "sender_email": sender, "email": "a@example.com", "key": receipt}


BODIES: dict[str, dict[str, Any]] = {
    "put_sender": {"ramp_started_on": "2026-01-05"},
    "record_consent": {"channel": "email", "state": "withdrawn"},
    "record_consents": {"acts": [{"channel": "email", "state": "withdrawn"}]},
    "upsert_customer": {"first_name": "Mallory"},
    "upsert_customers": {"customers": [{"first_name": "Mallory"}]},
    "add_event": {"type": "purchase", "amount": 1},
    "add_events": {"events": [{"type": "purchase", "amount": 1}]},
    "update_segment": {"segment_name": "Mallory"},
    "update_template": {"subject_line": "Mallory"},
    "preview_template": {"language": "en"},
    "update_campaign": {"campaign_name": "Mallory"},
    "update_email_campaign": {"campaign_name": "Mallory"},
    "schedule_email_campaign": {"scheduled_time": "2026-02-01T09:00:00Z"},
    "send_message": {"sender_email": "a@example.com", "template_id": NOBODY, "customer_id": NOBODY, "key": "k2"},
    "send_test_email": {"test_emails": ["me@example.com"]},
    "create_email_campaign": {
        "campaign_name": "Eid", "subject_line": "Eid", "sender_name": "S", "sender_email": "a@example.com",
        "template_id": NOBODY,
    },
}  # fmt: skip


def body_ids(route: Route) -> list[str]:
    """Names of the ids in a route's body, wherever they stand in it."""
    if route.body is None:
        return []
    schema = route.body.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    names = {name for model in models for name in model.get("properties", {}) if ID_FIELD.search(name)}
    return sorted(names - OWN_WORDS)


def snapshot(ports: Ports, tenant: str) -> dict[str, str]:
    """Everything that the stores hold of a tenant, as text."""
    stores = {f.name: getattr(ports, f.name) for f in fields(Ports)}
    return {
        name: repr(sorted(line for line in _lines(vars(store)) if f"'{tenant}'" in line))
        for name, store in stores.items()
        if hasattr(store, "__dict__") and name not in ("clock", "ids", "idempotency")
    }


def _lines(held: dict[str, Any]) -> list[str]:
    return [f"{key!r}: {value!r}" for part in held.values() if isinstance(part, dict) for key, value in part.items()]


@pytest.fixture
def two() -> tuple[Client, Client, dict[str, str]]:
    ours = open_house(Client(), "acme", "other")
    theirs = ours.as_(tenant="other")
    populate(ours)
    return ours, theirs, populate(theirs)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.params], ids=lambda r: r.operation_id)
def test_019_an_id_of_another_tenant_in_a_path_is_not_found(route: Route, two: Any) -> None:
    ours, _, foreign = two
    before = snapshot(ours.ports, "other")
    missing = [name for name in route.params if name not in foreign]
    assert missing == [], f"populate() has no foreign example of {missing}"
    path = route.path
    for name in route.params:
        path = path.replace(f"{{{name}}}", escaped(foreign[name]))
    reply = ours.call(route.method, path, BODIES.get(route.operation_id, {}) if route.body else None)
    assert reply.status == 404, reply.text
    assert snapshot(ours.ports, "other") == before


@pytest.mark.parametrize("route", [r for r in ROUTES if body_ids(r)], ids=lambda r: r.operation_id)
def test_019_an_id_of_another_tenant_in_a_body_is_nobodys(route: Route, two: Any) -> None:
    ours, _, foreign = two
    before = snapshot(ours.ports, "other")
    for name in body_ids(route):
        assert name in foreign, f"populate() has no foreign example of {name}"
        assert route.operation_id in BODIES, f"BODIES has no body of {route.operation_id}"
        replies = [
            ours.call(route.method, _path(ours, route), _with(route, name, value)) for value in (foreign[name], NOBODY)
        ]
        assert _told(replies[0], foreign[name]) == _told(replies[1], NOBODY)
    assert snapshot(ours.ports, "other") == before


def _path(ours: Client, route: Route) -> str:
    own = populate(ours.as_()) if route.params else {}
    path = route.path
    for name in route.params:
        path = path.replace(f"{{{name}}}", own[name])
    return path


def _with(route: Route, name: str, value: str) -> dict[str, Any]:
    """The body with an id in it: a list where the field is one, inside the first item where the body is a batch."""
    body = BODIES[route.operation_id]
    given: Any = [value] if name == "target_segments" else value
    for key, part in body.items():
        if isinstance(part, list) and part and isinstance(part[0], dict):
            return {key: [part[0] | {name: given}]}
    return body | {name: given}


def _told(reply: Any, value: str) -> tuple[int, Any]:
    data = reply.json
    if reply.status >= 400:
        return reply.status, (data["code"], data["errors"])
    rows = data.get("results", [])
    return reply.status, [(row["result"], row.get("code")) for row in rows]


def test_019_a_cursor_of_another_tenant_opens_nothing(two: Any) -> None:
    ours, theirs, _ = two
    theirs.post("/customers", {"external_id": "x2"})
    after = theirs.get("/customers", limit=1).json["after"]
    assert ours.get("/customers", limit=1, after=after).code == "bad_cursor"


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.method == "GET" and not r.params], ids=lambda r: r.operation_id
)
def test_019_a_list_shows_nothing_of_another_tenant(route: Route, two: Any) -> None:
    ours, _, foreign = two
    reply = ours.call(
        "GET", route.path, query={"address": "a@example.com"} if route.operation_id == "get_suppression" else None
    )
    assert reply.status in (200, 404)
    assert not [value for value in foreign.values() if value in reply.text]


@pytest.mark.parametrize("tenant", ["t1", "t10", "t", "T1"])
def test_023_a_name_that_begins_with_another_tenants_name_opens_nothing(tenant: str) -> None:
    house = open_house(Client(tenant="t1x"), "t1x", "t10x")
    made = house.post("/customers", {"external_id": "x1"}).json["customer"]["id"]
    stranger = house.as_(tenant=tenant)
    assert stranger.get(f"/customers/{made}").status == 404
    assert stranger.get("/customers").json["customers"] == []
