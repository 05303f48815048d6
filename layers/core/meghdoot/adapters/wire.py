"""AWS over `http.client`: kept connections, our own signature, bounded waiting. For functions that must start fast.

It never repeats a call that was answered. A call whose kept connection turns out dead before any answer is made once
more on a new one, and only where a repeat cannot do harm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from meghdoot.adapters.sigv4 import Credentials, Request, signed_headers
from meghdoot.kernel.clock import Clock

# http.client and ssl are two fifths of what a light function imports, and a page, a forged token or a flood of them
# needs no connection: both come with the first call.
if TYPE_CHECKING:
    from http.client import HTTPConnection
    from ssl import SSLContext

TIMEOUT_SECONDS = 5.0
# Services close idle connections without a word; a process that was frozen finds all of its own closed.
IDLE_SECONDS = 10.0
_MAX_ANSWER = 20 * 2**20


class Unreachable(Exception):
    """There was no answer that could be read. Whether the call had its effect is not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes


@dataclass
class _Kept(threading.local):
    connections: dict[str, tuple[HTTPConnection, float]] = field(default_factory=dict)


class AwsWire:
    """Signed calls to the services of one region, or to an emulator at `endpoint`."""

    def __init__(
        self,
        region: str,
        credentials: Callable[[], Credentials],
        clock: Clock,
        endpoint: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._endpoint = endpoint
        self._timeout = timeout
        self._ticks = ticks
        self._kept = _Kept()
        self._tls: SSLContext | None = None

    def call(
        self,
        service: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        repeatable: bool,
        method: str = "POST",
        path: str = "/",
        bucket: str | None = None,
    ) -> Answer:
        """One call. `headers` in lower case, `path` percent-encoded. Raises Unreachable when there is no answer.

        `repeatable` tells that a second arrival does no harm. A `bucket` is put where the endpoint wants it.
        """
        origin, full_path = self._address(service, path, bucket)
        host = origin.partition("://")[2]
        request = Request(method, host, full_path, {}, headers, body)
        signed = signed_headers(request, self._credentials(), self._region, service, self._clock.now())
        connection = self._kept_connection(origin)
        if connection is not None:
            try:
                return self._exchange(origin, connection, request, signed)
            except Unreachable as e:
                if not repeatable or isinstance(e.__cause__, TimeoutError):
                    raise
        return self._exchange(origin, self._open(origin), request, signed)

    def _address(self, service: str, path: str, bucket: str | None) -> tuple[str, str]:
        if self._endpoint is not None:
            return self._endpoint.rstrip("/"), f"/{quote(bucket)}{path}" if bucket else path
        suffix = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        prefix = f"{bucket}." if bucket else ""
        return f"https://{prefix}{service}.{self._region}.{suffix}", path

    def _exchange(self, origin: str, connection: HTTPConnection, request: Request, headers: dict[str, str]) -> Answer:
        from http.client import HTTPException

        try:
            connection.request(request.method, request.path, request.body, headers)
            response = connection.getresponse()
            body = response.read(_MAX_ANSWER)
        except (OSError, HTTPException) as e:
            connection.close()
            raise Unreachable(f"{request.host}: {type(e).__name__}") from e
        if response.will_close or response.length:
            connection.close()
        else:
            self._kept.connections[origin] = (connection, self._ticks())
        return Answer(response.status, body)

    def _kept_connection(self, origin: str) -> HTTPConnection | None:
        """A connection that was used a moment ago; taken out, so that only a good answer puts it back."""
        connection, used_at = self._kept.connections.pop(origin, (None, 0.0))
        if connection is not None and self._ticks() - used_at > IDLE_SECONDS:
            connection.close()
            return None
        return connection

    def _open(self, origin: str) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection
        from ssl import create_default_context

        address = urlsplit(origin)
        host = address.hostname or ""
        if address.scheme == "http":
            return HTTPConnection(host, address.port, timeout=self._timeout)
        if self._tls is None:
            self._tls = create_default_context()
        return HTTPSConnection(host, address.port, timeout=self._timeout, context=self._tls)


def form(fields: Mapping[str, str]) -> bytes:
    """A body of `application/x-www-form-urlencoded`."""
    return urlencode(fields).encode()
