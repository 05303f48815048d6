"""A provider on HTTP at 127.0.0.1 that plays one part and counts what it was asked: connections, and POSTs by their first line."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

ANSWERS: dict[str, tuple[int, bytes]] = {
    "ok": (200, b'{"MessageId": "m-1"}'),
    "no_id": (200, b"{}"),
    "not_json": (200, b"<html>fine</html>"),
    "500": (500, b'{"message": "oops"}'),
    "503": (503, b""),
    "429": (429, b'{"__type": "TooManyRequestsException", "message": "Maximum sending rate exceeded."}'),
    "bad_request": (400, b'{"__type": "BadRequestException", "message": "Message too long"}'),
    "paused": (400, b'{"__type": "SendingPausedException", "message": "paused"}'),
}
"""Parts that end with an answer. Others: `timeout`, `close` and `reset` without one, `truncated` in the middle of one, and
`ok_then_close`, which answers as if the connection went on and then ends it without a word."""


@dataclass
class FakeProvider:
    """What it plays and what it has seen."""

    part: str = "ok"
    url: str = ""
    connections: int = 0
    posts: list[bytes] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


@contextmanager
def fake_provider(tls: SSLContext | None = None) -> Iterator[FakeProvider]:
    """Serve on a free port until the end of the block."""
    state = FakeProvider()
    server = _Server(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """Quiet: clients that leave early are what is tested here."""

    def handle_error(self, *_args: Any) -> None:
        """Nothing to say."""


def _handler(state: FakeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_POST(self) -> None:
            # Counted before the body is read: half a POST would be one too.
            state.posts.append(b"")
            state.posts[-1] = self.rfile.read(int(self.headers["Content-Length"]))
            self.close_connection = True
            if state.part == "timeout":
                state.release.wait(5)
            elif state.part in ("close", "reset"):
                _hang_up(self.connection, rudely=state.part == "reset")
            else:
                _answer(self, state.part)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    return Handler


def _hang_up(connection: socket.socket, *, rudely: bool) -> None:
    if rudely:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    else:
        connection.shutdown(socket.SHUT_RDWR)


def _answer(handler: BaseHTTPRequestHandler, part: str) -> None:
    status, body = ANSWERS["ok" if part in ("truncated", "ok_then_close") else part]
    handler.send_response(status)
    if body.startswith(b'{"__type'):
        handler.send_header("x-amzn-ErrorType", json.loads(body)["__type"])
    handler.send_header("Content-Length", str(len(body) + (50 if part == "truncated" else 0)))
    if part != "ok_then_close":
        handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)
