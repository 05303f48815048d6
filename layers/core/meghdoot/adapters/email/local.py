"""The provider that the local stack plays: mails go to it by HTTP and end in the local inbox."""

from __future__ import annotations

import json
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

from meghdoot.adapters.email.mime import compose
from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from meghdoot.kernel.errors import Invalid

_TIMEOUT_SECONDS = 8.0


class LocalProvider:
    """POSTs each mail once, as JSON, to the URL of the local inbox."""

    name = "local"

    def __init__(self, url: str, *, read_seconds: float = _TIMEOUT_SECONDS) -> None:
        """Raises ValueError for anything but an http URL."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("the local provider lives at an http address")
        self._host, self._port, self._path = parts.hostname, parts.port or 80, parts.path or "/"
        self._timeout = read_seconds

    def send(self, mail: OutboundEmail) -> Outcome:
        try:
            raw = compose(mail)
        except Invalid as e:
            return Outcome("refused", code=e.code)
        message = {
            "mime_base64": b64encode(raw).decode(),
            "tags": dict(mail.tags),
            "from": mail.sender_email,
            "to": mail.to,
        }
        connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.connect()
        except OSError as e:
            return Outcome("retry", code=type(e).__name__)
        try:
            connection.request("POST", self._path, json.dumps(message), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return _outcome(answer.status, _body(answer))
        except (OSError, HTTPException) as e:
            return Outcome("ambiguous", code=type(e).__name__)
        finally:
            connection.close()


def _body(answer: HTTPResponse) -> bytes:
    """As much as came: the status has told already what became of the mail."""
    try:
        return answer.read()
    except (OSError, HTTPException):
        return b""


def _outcome(status: int, body: bytes) -> Outcome:
    if status == 429:
        return Outcome("retry", code="429")
    if status >= 500:
        return Outcome("ambiguous", code=str(status))
    if status != 200:
        return Outcome("refused", code=str(status))
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    return Outcome("accepted", told.get("MessageId") if isinstance(told, dict) else None)
