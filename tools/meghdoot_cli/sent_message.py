"""`meghdoot message`: what one customer of a run was sent, written again and held against the hash of what left."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

from meghdoot.areas.messaging.sent_messages import SentMessage
from meghdoot.kernel.clock import iso
from meghdoot.wiring import reconciling

_HEADERS = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID")


def run(tenant: str, run_id: str, customer_id: str, raw_path: str | None) -> int:
    """Print the message; 1 when it is not the one that left. Raises NotFound."""
    message = reconciling.sent_messages().message(tenant, run_id, customer_id)
    if raw_path and message.raw is not None:
        Path(raw_path).write_bytes(message.raw)
    for line in lines(message):
        print(line)
    return 1 if message.verified == "false" else 0


def lines(message: SentMessage) -> Iterator[str]:
    """The message for people to read."""
    yield f"{message.state} ({message.reason})"
    yield f"verified: {message.verified}: {message.words}"
    if message.provider:
        sent = iso(message.sent_at) if message.sent_at else "?"
        yield f"{message.provider} {message.provider_id or '?'}, written {sent}, hash {message.mail_hash or '?'}"
    if message.raw is None:
        return
    mail = message_from_bytes(message.raw, policy=policy.default)
    yield ""
    for name in _HEADERS:
        if mail[name]:
            yield f"{name}: {mail[name]}"
    body = mail.get_body(("plain",))
    yield ""
    yield body.get_content() if body is not None else ""
