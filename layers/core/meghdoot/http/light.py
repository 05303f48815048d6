"""Requests and answers of API Gateway and of function addresses for the plain handlers, with the standard library alone."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs

from meghdoot.kernel.errors import Malformed, TooLarge

_MAX_FIELDS = 50
_TEXT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class LightRequest:
    """A request. Header names are in lower case; `body` holds the bytes that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    ip: str | None

    @property
    def user_agent(self) -> str | None:
        """The user agent as safe text."""
        return safe_text(self.headers.get("user-agent"))

    def form(self) -> dict[str, str]:
        """The fields of a form, urlencoded or multipart; empty for anything else. The first value of a field counts."""
        kind = self.headers.get("content-type", "")
        if kind.lower().startswith("multipart/form-data"):
            return _multipart(kind, self.body)
        try:
            fields = parse_qs(self.body.decode("utf-8", "replace"), max_num_fields=_MAX_FIELDS)
        except ValueError:
            return {}
        return {name: values[0] for name, values in fields.items()}


def read_request(event: Mapping[str, Any], limit: int) -> LightRequest:
    """The request in an event. Raises TooLarge for a body over `limit` bytes, Malformed for broken base64."""
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    context = event.get("requestContext") or {}
    # A gateway speaks format 1.0, a function's own address 2.0, whose request stands in the context.
    http = context.get("http") or {}
    identity = context.get("identity") or http
    return LightRequest(
        method=str(http.get("method") or event.get("httpMethod", "")).upper(),
        path=str(event.get("rawPath") if http else event.get("path", "")),
        headers=headers,
        body=_body(event, limit),
        ip=safe_text(identity.get("sourceIp")),
    )


def _body(event: Mapping[str, Any], limit: int) -> bytes:
    text = event.get("body") or ""
    is_base64 = bool(event.get("isBase64Encoded"))
    if len(text) > (limit * 4 // 3 + 4 if is_base64 else limit):
        raise TooLarge("the body is too large")
    try:
        body = b64decode(text, validate=True) if is_base64 else text.encode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError) as e:
        raise Malformed("the body is not base64") from e
    if len(body) > limit:
        raise TooLarge("the body is too large")
    return body


def _multipart(kind: str, body: bytes) -> dict[str, str]:
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    fields: dict[str, str] = {}
    for part in message_from_bytes(head + body).walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes) and len(fields) < _MAX_FIELDS:
            fields.setdefault(name, content.decode("utf-8", "replace").strip())
    return fields


def safe_text(text: object, limit: int = _TEXT_LIMIT) -> str | None:
    """A text of a stranger that may be kept: bounded, without control characters, surrogates or direction tricks."""
    if not isinstance(text, str):
        return None
    kept = "".join(ch for ch in text[:limit] if ch.isprintable()).strip()
    return kept or None


def answer(
    status: int, body: str | bytes = "", kind: str = "text/html; charset=utf-8", **headers: str
) -> dict[str, Any]:
    """An answer. Nothing of the public endpoints may be cached, framed or indexed; names take `_` for `-`."""
    fields = {
        "Content-Type": kind,
        "Cache-Control": "no-store, max-age=0",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    is_bytes = isinstance(body, bytes)
    text = b64encode(body).decode() if isinstance(body, bytes) else body
    return {"statusCode": status, "headers": fields, "body": text, "isBase64Encoded": is_bytes}
