"""Answers as servers really write them, whole and broken, and what each leaves of a connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from meghdoot.adapters.http1 import BadAnswerError, Connection, Response, request_bytes
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import AwsWire, NotSent, Unreachable
from meghdoot.kernel.clock import ManualClock

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def serving(*answers: bytes, ends: bool = True) -> Iterator[int]:
    """A port where each request on one connection gets the next of these bytes; then the connection ends."""
    server, done = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def talk() -> None:
        connection, _ = server.accept()
        with connection:
            for answer in answers:
                connection.recv(65536)
                connection.sendall(answer)
            if not ends:
                done.wait(5)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        done.set()
        thread.join(5)
        server.close()


def asked(answer: bytes, *, ends: bool = True) -> Response:
    with serving(answer, ends=ends) as port:
        connection = Connection("127.0.0.1", port, None, 1, 1)
        try:
            return connection.exchange(b"GET / HTTP/1.1\r\n\r\n")
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("answer", "body", "keeps"),
    [
        (HEAD + b"Content-Length: 2\r\n\r\nok", b"ok", True),
        (HEAD + b"content-length:2\r\nConnection: close\r\n\r\nok", b"ok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
        (HEAD + b"\r\nto the end", b"to the end", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\nok", b"ok", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n3\r\nyes\r\n0\r\nA: b\r\n\r\n", b"okyes", True),
        (HEAD + b"Content-Length: 0\r\n\r\n", b"", True),
    ],
)
def test_an_answer_is_read_whole(answer: bytes, body: bytes, keeps: bool) -> None:
    response = asked(answer)
    assert (response.body, response.keeps, response.whole) == (body, keeps, True)


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 9\r\n\r\nok", HEAD + b"Content-Length: -1\r\n\r\nok", HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nok",
        HEAD + b"Content-Length: 99999999999\r\n\r\nok",
    ],
)  # fmt: skip
def test_043_a_body_that_breaks_off_leaves_the_status_and_ends_the_connection(answer: bytes) -> None:
    response = asked(answer)
    assert (response.status, response.whole, response.keeps) == (200, False, False)


@pytest.mark.parametrize("answer", [b"", b"SMTP ready\r\n\r\n", HEAD, HEAD + b"no colon\r\n\r\n", b"x" * 200_000])
def test_042_no_head_is_no_answer(answer: bytes) -> None:
    with pytest.raises((BadAnswerError, OSError)):
        asked(answer)


def test_042_silence_is_bounded() -> None:
    with serving(b"", ends=False) as port, pytest.raises(TimeoutError):
        Connection("127.0.0.1", port, None, 1, 0.1).exchange(b"GET / HTTP/1.1\r\n\r\n")


def test_a_connection_that_has_ended_or_speaks_unasked_is_not_quiet() -> None:
    with serving(HEAD + b"Content-Length: 2\r\n\r\nok", ends=False) as port:
        connection = Connection("127.0.0.1", port, None, 1, 1)
        connection.exchange(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.is_quiet()
        connection.close()
        assert not connection.is_quiet()
    with serving(HEAD + b"Content-Length: 2\r\n\r\nok" + HEAD) as port:
        connection = Connection("127.0.0.1", port, None, 1, 1)
        connection.exchange(b"GET / HTTP/1.1\r\n\r\n")
        assert not connection.is_quiet()
        connection.close()


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb"])
def test_015_no_header_can_add_a_line(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_bytes("POST", "/", {"host": "h", "x": value}, b"")
    with pytest.raises(ValueError, match="line break"):
        request_bytes("POST", f"/{value}", {"host": "h"}, b"")


def wire(port: int) -> AwsWire:
    clock = ManualClock(datetime(2026, 1, 5, tzinfo=UTC))
    return AwsWire("us-east-1", lambda: Credentials("a", "b"), clock, f"http://127.0.0.1:{port}", timeout=1)


def test_044_what_must_never_be_done_twice_is_written_once_also_on_a_kept_connection() -> None:
    whole = HEAD + b"Content-Length: 2\r\n\r\nok"
    with serving(whole, b"", ends=True) as port:
        client = wire(port)
        assert client.once("ses", {}, b"one", "/x").status == 200
        # The second is read by the server, which then goes away without a word: nobody can know.
        with pytest.raises(Unreachable) as lost:
            client.once("ses", {}, b"two", "/x")
        assert not isinstance(lost.value, NotSent)


def test_044_a_kept_connection_that_has_ended_is_not_written_to() -> None:
    with serving(HEAD + b"Content-Length: 2\r\n\r\nok") as port:
        client = wire(port)
        assert client.once("ses", {}, b"one", "/x").status == 200
        threading.Event().wait(0.1)
    # Nobody listens any more: nothing was written, so the second is a definite no.
    with pytest.raises(NotSent):
        client.once("ses", {}, b"two", "/x")
