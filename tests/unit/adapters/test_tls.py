"""The thin client over TLS, on a real server: one POST with one meaning, kept connections, and no word to a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from ssl import create_default_context

import pytest
from cryptography.x509 import DNSName, GeneralName

from meghdoot.adapters.email.ses_wire import SesWireProvider
from meghdoot.adapters.http1 import Connection, request_bytes
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import AwsWire, NotSent
from meghdoot.kernel.clock import SystemClock
from tests.support.certificates import authority
from tests.support.provider_http import FakeProvider, fake_provider
from tests.unit.adapters.test_one_post import MAIL, MEANINGS, SHORT

KEYS = Credentials("testing", "testing")


@contextmanager
def served(
    folder: Path, monkeypatch: pytest.MonkeyPatch, host: GeneralName | None = None, *, trusted: bool = True
) -> Iterator[FakeProvider]:
    ca, context = authority(folder, host)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    with fake_provider(context) as state:
        yield state


def wire(state: FakeProvider) -> AwsWire:
    return AwsWire("us-east-1", lambda: KEYS, SystemClock(), state.url, timeout=SHORT)


@pytest.mark.parametrize("part", MEANINGS)
def test_044_one_call_over_tls_is_exactly_one_post_and_has_one_meaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    with served(tmp_path, monkeypatch) as state:
        state.part = part
        outcome = SesWireProvider(wire(state), "meghdoot").send(MAIL)
        assert (outcome.kind, len(state.posts), state.connections) == (MEANINGS[part], 1, 1)


def test_044_a_stranger_gets_no_word_and_nobody_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for trusted, host in ((False, None), (True, DNSName("somebody-else.example"))):
        with served(tmp_path, monkeypatch, host, trusted=trusted) as state:
            with pytest.raises(NotSent, match="SSLCertVerificationError"):
                wire(state).once("ses", {}, b"{}", "/")
            assert SesWireProvider(wire(state), "meghdoot").send(MAIL).kind == "retry"
            assert state.posts == []


def test_a_connection_with_tickets_waiting_is_quiet_and_one_that_was_ended_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path, monkeypatch) as state:
        state.part = "ok_then_close"
        connection = Connection("127.0.0.1", int(state.url.rpartition(":")[2]), create_default_context(), 3.0, 3.0)
        assert select([connection._socket], [], [], 3.0)[0], "this server sends no tickets"
        assert connection.is_quiet()
        assert connection.exchange(request_bytes("POST", "/", {"host": "x"}, b"")).keeps
        assert select([connection._socket], [], [], 3.0)[0], "the server never ended it"
        assert not connection.is_quiet()
        connection.close()
