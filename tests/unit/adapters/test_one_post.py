"""One call of a provider's client is one POST, whatever the provider does; every answer has one meaning.

Each client is asked on a real server at 127.0.0.1. A new client is one more line in CLIENTS, and has to hold all of it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from meghdoot.adapters.email.local import LocalProvider
from meghdoot.adapters.email.ses import SesProvider, ses_client
from meghdoot.adapters.email.ses_wire import SesWireProvider
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import AwsWire
from meghdoot.areas.messaging.model import OutboundEmail
from meghdoot.areas.messaging.ports import EmailProvider
from meghdoot.kernel.clock import SystemClock
from tests.support.provider_http import FakeProvider, fake_provider

MAIL = OutboundEmail(
    "Acme", "news@acme.example", "rita@x.example", None, "Hi", "<p>Hi</p>", "Hi",
    {"List-Unsubscribe": "<https://m.acme.example/u/t>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    {"tenant": "acme", "run": "r-1"}, "key1", datetime(2026, 1, 5, tzinfo=UTC),
)  # fmt: skip
SHORT = 0.3
"""Seconds that a client waits for an answer here."""


def _ses(url: str) -> EmailProvider:
    return SesProvider(ses_client("us-east-1", url, read_seconds=SHORT), "meghdoot")


def _local(url: str) -> EmailProvider:
    return LocalProvider(f"{url}/provider/send", read_seconds=SHORT)


def _ses_wire(url: str) -> EmailProvider:
    keys = Credentials("testing", "testing")
    return SesWireProvider(AwsWire("us-east-1", lambda: keys, SystemClock(), url, timeout=SHORT), "meghdoot")


CLIENTS: dict[str, Callable[[str], EmailProvider]] = {"ses_boto3": _ses, "ses_wire": _ses_wire, "local": _local}
AWS_CLIENTS = [name for name in CLIENTS if name != "local"]

# Part of the provider to what it means. Silence, resets and 5xx leave it open; a throttle and a 4xx are definite noes; a
# 200 was accepted, however its body ends.
MEANINGS = {
    "ok": "accepted", "close": "ambiguous", "reset": "ambiguous", "timeout": "ambiguous", "500": "ambiguous",
    "503": "ambiguous", "truncated": "accepted", "429": "retry", "bad_request": "refused",
}  # fmt: skip


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with fake_provider() as state:
        yield state


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, fake: FakeProvider) -> EmailProvider:
    return CLIENTS[request.param](fake.url)


@pytest.mark.parametrize("part", MEANINGS)
def test_044_one_call_is_exactly_one_post_and_has_one_meaning(
    fake: FakeProvider, client: EmailProvider, part: str
) -> None:
    # 040: a throttle. 041: 5xx. 042: silence and resets. 043: an answer that breaks off.
    fake.part = part
    outcome = client.send(MAIL)
    assert (outcome.kind, len(fake.posts)) == (MEANINGS[part], 1)
    assert fake.connections == 1


@pytest.mark.parametrize("part", ["no_id", "not_json"])
def test_044_043_a_200_without_an_id_is_accepted_by_one_post_and_the_event_brings_the_id(
    fake: FakeProvider, client: EmailProvider, part: str
) -> None:
    fake.part = part
    outcome = client.send(MAIL)
    assert (outcome.kind, outcome.provider_id, len(fake.posts)) == ("accepted", None, 1)


@pytest.mark.parametrize("name", CLIENTS)
def test_044_042_a_connection_that_never_stood_is_a_definite_no_and_no_post(fake: FakeProvider, name: str) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    assert CLIENTS[name](f"http://127.0.0.1:{port}").send(MAIL).kind == "retry"
    assert fake.posts == []


def test_044_042_a_host_that_nobody_answers_for_is_a_definite_no() -> None:
    for make in CLIENTS.values():
        assert make("http://nowhere.invalid:9").send(MAIL).kind == "retry"


def test_044_a_connection_that_ended_between_two_calls_makes_no_second_post(
    fake: FakeProvider, client: EmailProvider
) -> None:
    fake.part = "ok_then_close"
    first = client.send(MAIL)
    fake.part = "ok"
    second = client.send(replace(MAIL, message_id="key2"))
    assert first.kind == "accepted"
    # Whoever cannot tell whether the second was read must not try again; whoever can has sent it once.
    assert (second.kind, len(fake.posts)) in {("accepted", 2), ("ambiguous", 1), ("retry", 1)}


@pytest.mark.parametrize("name", AWS_CLIENTS)
def test_044_047_a_paused_account_is_asked_once_and_stops(fake: FakeProvider, name: str) -> None:
    fake.part = "paused"
    outcome = CLIENTS[name](fake.url).send(MAIL)
    assert (outcome.kind, len(fake.posts)) == ("stop", 1)


def test_044_015_a_mail_that_no_header_can_hold_is_refused_before_any_post(
    fake: FakeProvider, client: EmailProvider
) -> None:
    assert client.send(replace(MAIL, subject="Hi\r\nBcc: x@y.example")).kind == "refused"
    assert (fake.posts, fake.connections) == ([], 0)
