"""HTTP/1.1 as a client of AWS needs it, over a plain socket: one request at a time on a connection that may be kept.

`http.client` reads headers with the parser of e-mails, which costs more than signing the request. Nothing here repeats a
request: a connection says whether it stood before anything was written, and the caller decides.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from select import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext

MAX_HEAD = 65_536
MAX_BODY = 20 * 2**20
_RECEIVE = 65_536
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: |$)")
_BODILESS = (204, 304)


class BadAnswerError(ValueError):
    """What came is no answer of HTTP, or breaks off."""


class Response:
    """Status, headers by lower-case name, and the body; `whole` is false where it breaks off."""

    __slots__ = ("body", "headers", "keeps", "status", "whole")

    def __init__(self, status: int, headers: Mapping[str, str], keeps: bool) -> None:
        self.status = status
        self.headers = headers
        self.keeps = keeps
        self.body = b""
        self.whole = True


class Connection:
    """A connection to one host. Raises OSError where it cannot be made, and whatever breaks it later."""

    def __init__(self, host: str, port: int, tls: SSLContext | None, connect_seconds: float, seconds: float) -> None:
        made = socket.create_connection((host, port), connect_seconds)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = made if tls is None else tls.wrap_socket(made, server_hostname=host)
            self._socket.settimeout(seconds)
        except BaseException:
            made.close()
            raise
        self._is_tls = tls is not None
        self._rest = b""

    def is_quiet(self) -> bool:
        """Whether nothing waits to be read: an end, or words that nobody asked for, make a kept connection useless."""
        try:
            return not self._rest and (not select([self._socket], [], [], 0)[0] or self._has_tickets_only())
        except (OSError, ValueError):
            return False

    def _has_tickets_only(self) -> bool:
        """Whether all that waits is TLS's own: tickets for later sessions come when the server likes."""
        if not self._is_tls:
            return False
        from ssl import SSLWantReadError

        seconds = self._socket.gettimeout()
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except SSLWantReadError:
            self._socket.settimeout(seconds)
            return True
        return False

    def close(self) -> None:
        """End it; more than once is fine."""
        self._socket.close()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()

    def exchange(self, request: bytes) -> Response:
        """Write a request and read its answer. Raises OSError and BadAnswerError; the connection is of no more use then.

        A body that breaks off behind a whole head is no error: the status has told what became of the request.
        """
        self._socket.sendall(request)
        response = self._head()
        while 100 <= response.status < 200:
            response = self._head()
        if response.status in _BODILESS:
            return response
        try:
            response.body = self._body(response)
        except (OSError, BadAnswerError):
            response.whole = response.keeps = False
        return response

    def _more(self) -> bytes:
        data = self._socket.recv(_RECEIVE)
        if not data:
            raise BadAnswerError("the connection ended")
        return data

    def _until(self, mark: bytes, most: int) -> bytes:
        data = self._rest
        while (end := data.find(mark)) < 0:
            if len(data) > most:
                raise BadAnswerError("the head is too long")
            data += self._more()
        self._rest = data[end + len(mark) :]
        return data[:end]

    def _exactly(self, size: int) -> bytes:
        if size > MAX_BODY:
            raise BadAnswerError("the body is too long")
        data = self._rest
        if len(data) < size:
            pieces, have = [data], len(data)
            while have < size:
                pieces.append(self._more())
                have += len(pieces[-1])
            data = b"".join(pieces)
        self._rest = data[size:]
        return data[:size]

    def _head(self) -> Response:
        first, *lines = self._until(b"\r\n\r\n", MAX_HEAD).split(b"\r\n")
        status = _STATUS.match(first)
        if status is None:
            raise BadAnswerError("this is no HTTP")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon:
                raise BadAnswerError("this is no header")
            headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        keeps = status[1] == b"1" and headers.get("connection", "").lower() != "close"
        return Response(int(status[2]), headers, keeps)

    def _body(self, response: Response) -> bytes:
        if "chunked" in response.headers.get("transfer-encoding", "").lower():
            return self._chunked()
        length = response.headers.get("content-length")
        if length is not None:
            if not length.isdecimal():
                raise BadAnswerError("this is no length")
            return self._exactly(int(length))
        response.keeps = False
        return self._to_the_end()

    def _chunked(self) -> bytes:
        body = b""
        while True:
            size = self._until(b"\r\n", MAX_HEAD).partition(b";")[0].strip()
            try:
                wanted = int(size, 16)
            except ValueError as e:
                raise BadAnswerError("this is no chunk") from e
            if wanted == 0:
                break
            body += self._exactly(wanted)
            self._exactly(2)
            if len(body) > MAX_BODY:
                raise BadAnswerError("the body is too long")
        while self._until(b"\r\n", MAX_HEAD):
            """Trailers."""
        return body

    def _to_the_end(self) -> bytes:
        pieces, size = [self._rest], len(self._rest)
        while data := self._socket.recv(_RECEIVE):
            pieces.append(data)
            size += len(data)
            if size > MAX_BODY:
                raise BadAnswerError("the body is too long")
        self._rest = b""
        return b"".join(pieces)


def request_bytes(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A whole request. `headers` hold `host` and no length. Raises ValueError for a value that would end its line."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"{method} {path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
    if head.count("\n") != len(headers) + 3 or head.count("\r") != len(headers) + 3:
        raise ValueError("a header holds a line break")
    return head.encode("latin-1") + body
