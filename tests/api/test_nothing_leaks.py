"""Fault 26: addresses, names, tokens and texts that go through the API stand in no error and in no log line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from meghdoot.http.routes import ROUTES
from meghdoot.wiring import api as wiring
from tests.api.client import Client
from tests.api.test_resources import CRITERIA, TEMPLATE

EMAIL, PHONE, NAME, TEXT = "canary.rahima@example.com", "+8801712340077", "Canaryname", "canarysecrettext"
CANARIES = (EMAIL, "canary.rahima", PHONE, "1712340077", NAME, TEXT)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Everything that the API's logger writes, as it is written."""
    kept: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(wiring.logger.registered_formatter.format(record))

    handler = Keep()
    wiring.logger.addHandler(handler)
    yield kept
    wiring.logger.removeHandler(handler)


def leaks(texts: list[str]) -> list[str]:
    return [text for text in texts if any(canary in text for canary in CANARIES)]


def everywhere(client: Client) -> list[Any]:
    """Every route with canaries wherever something can be written, in the right and in the wrong places."""
    body = {
        "email": EMAIL, "phone": PHONE, "first_name": NAME, "name": TEXT, "address": EMAIL, "html_content": TEXT,
        "test_emails": [EMAIL], "reason": TEXT, "subject_line": TEXT, "customers": [{"email": EMAIL, "phone": "x" + PHONE}],
        "events": [{"email": EMAIL, "type": "x"}], "acts": [{"email": EMAIL, "channel": "email", "state": "granted"}],
        "criteria": {"conditions": [{"field": "city", "operator": "equals", "value": TEXT}], "logic": "AND"},
    }  # fmt: skip
    bodies = [
        body,
        {"email": EMAIL},
        {"email": f"{EMAIL},{EMAIL}"},
        {"phone": PHONE + "x"},
        {"data": {"first_name": NAME}},
    ]
    replies = []
    for route in ROUTES:
        path = route.path.replace("{", "").replace("}", "")
        for given in bodies if route.method != "GET" else [None]:
            replies.append(client.call(route.method, path, given, query={"after": TEXT} if route.query else None))
    return replies


def test_026_errors_and_logs_hold_nothing_of_what_was_sent(client: Client, lines: list[str]) -> None:
    replies = everywhere(client)
    errors = [reply.text for reply in replies if reply.status >= 400]
    assert len(errors) > 100
    assert len(lines) >= len(replies)
    assert leaks(lines) == []
    assert leaks(errors) == []


def test_026_good_requests_leave_nothing_in_the_logs_either(client: Client, lines: list[str]) -> None:
    made = client.post("/customers", {"email": EMAIL, "phone": PHONE, "first_name": NAME})
    assert made.status == 200
    client.post("/suppressions", {"address": EMAIL})
    client.get("/suppressions", address=EMAIL)
    client.post("/templates", TEMPLATE | {"html_content": TEMPLATE["html_content"] + TEXT})  # type: ignore[operator]
    client.post("/segments/preview", {"criteria": CRITERIA})
    client.call("POST", "/imports", f"email\n{EMAIL}\n", Content_Type="text/csv")
    assert leaks(lines) == []
    audit = client.get("/audit-log").text
    assert leaks([audit]) == []


def test_026_what_breaks_inside_is_logged_by_its_place_and_not_its_text(
    client: Client, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError(f"cannot store {EMAIL} {TEXT}")

    monkeypatch.setattr(type(client.ports.customers), "create", broken)
    reply = client.post("/customers", {"email": EMAIL})
    assert (reply.status, reply.code) == (500, "internal_error")
    assert leaks([reply.text, *lines]) == []
    told = json.loads(lines[-1])
    assert told["error"] == "RuntimeError"
    assert "test_nothing_leaks.py" in told["at"]


def test_024_the_text_of_a_key_is_logged_nowhere(client: Client, lines: list[str]) -> None:
    made = client.post("/api-keys", {"name": "server", "role": "editor"}).json
    secret = made["api_key"].rpartition(".")[2]
    client.post(f"/api-keys/{made['key']['id']}/rotate")
    assert [line for line in lines if secret in line] == []
    assert secret not in client.get("/api-keys").text + client.get("/audit-log").text
