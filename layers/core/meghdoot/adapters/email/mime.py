"""Messages as bytes: text and HTML as multipart/alternative in quoted-printable.

The prepared path encodes everything static once. Per person only the slots are evaluated and encoded (`slots`), each
between two soft line breaks, so that no line of the static text moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from meghdoot.adapters.email import headers
from meghdoot.adapters.email.slots import Body, Subject
from meghdoot.adapters.email.slots import quoted_printable as quoted_printable
from meghdoot.areas.content.model import Context, PersonLinks
from meghdoot.areas.content.program import CompiledEmail
from meghdoot.areas.messaging.model import Envelope, OutboundEmail

# `=_` never occurs in quoted-printable, so no content can look like a boundary.
_BOUNDARY = b"=_meghdoot_alternative"
_PART = b'Content-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
_HEAD = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="' + _BOUNDARY + b'"\r\n\r\n'
_OPEN_TEXT = b"--" + _BOUNDARY + b"\r\n" + _PART % b"plain"
_OPEN_HTML = b"\r\n--" + _BOUNDARY + b"\r\n" + _PART % b"html"
_CLOSE = b"\r\n--" + _BOUNDARY + b"--\r\n"
_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def compose(mail: OutboundEmail) -> bytes:
    """The whole message of one mail. Raises Invalid for values that cannot stand in a header."""
    if mail.raw is not None:
        return mail.raw
    lines = [_from(mail.sender_name, mail.sender_email), b"To: " + headers.address(mail.to, "to").encode() + b"\r\n"]
    if mail.reply_to:
        lines.append(b"Reply-To: " + headers.address(mail.reply_to, "reply_to").encode() + b"\r\n")
    lines.append(b"Subject: " + headers.unstructured(mail.subject, "subject") + b"\r\n")
    if mail.date:
        lines.append(b"Date: " + headers.date(mail.date) + b"\r\n")
    lines.append(b"Message-ID: " + headers.message_id(mail.message_id, mail.sender_email) + b"\r\n")
    lines += [headers.header_line(name, value) for name, value in mail.headers.items()]
    bodies = (_OPEN_TEXT, quoted_printable(mail.text), _OPEN_HTML, quoted_printable(mail.html), _CLOSE)
    return b"".join([*lines, _HEAD, *bodies])


def _from(name: str, sender: str) -> bytes:
    return b"From: " + headers.mailbox(name, sender, "sender") + b"\r\n"


class MimeComposers:
    """Makes prepared composers."""

    def prepare(self, compiled: CompiledEmail, envelope: Envelope) -> MimeTemplate:
        """Encode all that is static. Raises Invalid for headers that would break a message."""
        return MimeTemplate(compiled, envelope)


class MimeTemplate:
    """One language of one run; `mail` writes it for one person."""

    def __init__(self, compiled: CompiledEmail, envelope: Envelope) -> None:
        self._compiled = compiled
        self._sender = envelope.sender_email
        self._one_click = envelope.one_click
        reply = b""
        if envelope.reply_to:
            reply = b"\r\nReply-To: " + headers.address(envelope.reply_to, "reply_to").encode("ascii")
        self._from = _from(envelope.sender_name, envelope.sender_email) + b"To: "
        self._after_to = reply + b"\r\nSubject: "
        self._subject = Subject(compiled.subject)
        self._body = Body(compiled, (_HEAD + _OPEN_TEXT, _OPEN_HTML, _CLOSE))

    def mail(self, to: str, fields: Context, personal: PersonLinks, *, message_id: str, date: datetime) -> bytes:
        """The whole message for one person. Raises RenderFailed, and Invalid (`bad_address`, `bad_header`)."""
        known: list[Mapping[str, Any]] = []

        def context() -> Mapping[str, Any]:
            if not known:
                known.append(self._compiled.context(fields, personal))
            return known[0]

        head = [
            self._from, headers.address(to, "to").encode("ascii"), self._after_to, self._subject.header(fields, context),
            b"\r\nDate: ", headers.date(date), b"\r\nMessage-ID: ", headers.message_id(message_id, self._sender), b"\r\n",
        ]  # fmt: skip
        if self._one_click:
            url = headers.list_unsubscribe(personal.unsubscribe_url)
            head += [b"List-Unsubscribe: ", url, b"\r\n", _ONE_CLICK]
        return self._body.write(b"".join(head), fields, personal, context)
