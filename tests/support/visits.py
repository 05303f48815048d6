"""Events of API Gateway as the public endpoints get them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Mobile Safari/537.36"
)


def visit(
    method: str,
    path: str,
    body: str | bytes | None = None,
    content_type: str | None = None,
    user_agent: str | None = PHONE,
    **headers: str,
) -> dict[str, Any]:
    """One event. A body of bytes travels as base64, as the gateway sends it."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        fields["Content-Type"] = content_type
    if user_agent is not None:
        fields["User-Agent"] = user_agent
    is_bytes = isinstance(body, bytes)
    return {
        "httpMethod": method,
        "path": path,
        "headers": fields,
        "queryStringParameters": None,
        "body": b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": is_bytes,
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
    }
