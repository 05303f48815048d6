"""AWS over a plain socket: kept connections, our own signature, bounded waiting. For functions that must start fast.

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

# Sockets and ssl are two fifths of what a light function imports, and a page, a forged token or a flood of them needs no
# connection: both come with the first call.
if TYPE_CHECKING:
    from ssl import SSLContext

    from meghdoot.adapters.http1 import Connection, Response

TIMEOUT_SECONDS = 5.0
CONNECT_SECONDS = 3.0
# Services close idle connections without a word; a process that was frozen finds all of its own closed.
IDLE_SECONDS = 10.0
_HOSTS = {"ses": "email"}
"""Services whose host is not named as they are in a signature."""


class Unreachable(Exception):
    """There was no answer that could be read. Whether the call had its effect is not known."""


class NotSent(Unreachable):
    """No connection stood: nothing was written, so the call had no effect."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    whole: bool = True
    """False when the body broke off: what the status says is true all the same."""


@dataclass
class _Kept(threading.local):
    connections: dict[str, tuple[Connection, float]] = field(default_factory=dict)


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
        origin, request = self._request(service, headers, body, method, path, bucket)
        connection = self._kept_connection(origin)
        if connection is not None:
            try:
                return self._whole(self._exchange(origin, connection, request))
            except Unreachable as e:
                if not repeatable or isinstance(e.__cause__, TimeoutError):
                    raise
        return self._whole(self._exchange(origin, self._open(origin), request))

    def once(self, service: str, headers: Mapping[str, str], body: bytes, path: str) -> Answer:
        """One POST that is written at most once, for what must never be done twice.

        A kept connection is used only while it is quiet. Raises NotSent when no connection could be made, and
        Unreachable when there is no answer to what was written or begun to be written. A body may be broken off.
        """
        origin, request = self._request(service, headers, body, "POST", path, None)
        connection = self._kept_connection(origin)
        if connection is not None and not connection.is_quiet():
            connection.close()
            connection = None
        return self._exchange(origin, connection or self._open(origin), request)

    def _request(
        self, service: str, headers: Mapping[str, str], body: bytes, method: str, path: str, bucket: str | None
    ) -> tuple[str, bytes]:
        from meghdoot.adapters.http1 import request_bytes

        origin, full_path = self._address(service, path, bucket)
        request = Request(method, origin.partition("://")[2], full_path, {}, headers, body)
        signed = signed_headers(request, self._credentials(), self._region, service, self._clock.now())
        return origin, request_bytes(method, full_path, signed, body)

    def _address(self, service: str, path: str, bucket: str | None) -> tuple[str, str]:
        if self._endpoint is not None:
            return self._endpoint.rstrip("/"), f"/{quote(bucket)}{path}" if bucket else path
        suffix = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        prefix = f"{bucket}." if bucket else ""
        return f"https://{prefix}{_HOSTS.get(service, service)}.{self._region}.{suffix}", path

    def _exchange(self, origin: str, connection: Connection, request: bytes) -> Answer:
        from meghdoot.adapters.http1 import BadAnswerError

        try:
            response: Response = connection.exchange(request)
        except (OSError, BadAnswerError) as e:
            connection.close()
            raise Unreachable(f"{origin.partition('://')[2]}: {type(e).__name__}") from e
        if response.keeps:
            self._kept.connections[origin] = (connection, self._ticks())
        else:
            connection.close()
        return Answer(response.status, response.body, response.headers, response.whole)

    def _whole(self, answer: Answer) -> Answer:
        if not answer.whole:
            raise Unreachable("the answer broke off")
        return answer

    def _kept_connection(self, origin: str) -> Connection | None:
        """A connection that was used a moment ago; taken out, so that only a good answer puts it back."""
        connection, used_at = self._kept.connections.pop(origin, (None, 0.0))
        if connection is not None and self._ticks() - used_at > IDLE_SECONDS:
            connection.close()
            return None
        return connection

    def _open(self, origin: str) -> Connection:
        from meghdoot.adapters.http1 import Connection

        address = urlsplit(origin)
        is_tls = address.scheme != "http"
        if is_tls and self._tls is None:
            from ssl import create_default_context

            self._tls = create_default_context()
        port = address.port or (443 if is_tls else 80)
        try:
            return Connection(
                address.hostname or "", port, self._tls if is_tls else None, CONNECT_SECONDS, self._timeout
            )
        except OSError as e:
            raise NotSent(f"{address.hostname}: {type(e).__name__}") from e


def form(fields: Mapping[str, str]) -> bytes:
    """A body of `application/x-www-form-urlencoded`."""
    return urlencode(fields).encode()
