"""Messages as bytes: text and HTML as multipart/alternative in quoted-printable.

The prepared path encodes everything static once. Per person only the slots are evaluated and encoded, each between two
soft line breaks, so that no line of the static text moves. It costs a hundredth of `email.message`.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from meghdoot.adapters.email import headers
from meghdoot.areas.content.model import Context, PersonLinks
from meghdoot.areas.content.program import MAX_OUTPUT, CompiledEmail, Program, RenderFailed
from meghdoot.areas.messaging.model import Envelope, OutboundEmail

_SOFT = b"=\r\n"
_SHORT = 75
# `=_` never occurs in quoted-printable, so no content can look like a boundary.
_BOUNDARY = b"=_meghdoot_alternative"
_NEEDS_CODE = re.compile(r"[^ -<>-~]")
_PART = b'Content-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
_HEAD = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="' + _BOUNDARY + b'"\r\n\r\n'
_OPEN_TEXT = b"--" + _BOUNDARY + b"\r\n" + _PART % b"plain"
_OPEN_HTML = b"\r\n--" + _BOUNDARY + b"\r\n" + _PART % b"html"
_CLOSE = b"\r\n--" + _BOUNDARY + b"--\r\n"
_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
_MAX_BYTES = 6 * MAX_OUTPUT


def quoted_printable(text: str) -> bytes:
    """Quoted-printable (RFC 2045) with CRLF line ends and lines of at most 76 characters."""
    if len(text) <= _SHORT and _NEEDS_CODE.search(text) is None and text[-1:] != " ":
        return text.encode("ascii")
    raw = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")
    return b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")


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
        self._subject = compiled.subject
        self._sender = envelope.sender_email
        self._one_click = envelope.one_click
        reply = b""
        if envelope.reply_to:
            reply = b"\r\nReply-To: " + headers.address(envelope.reply_to, "reply_to").encode("ascii")
        self._from = _from(envelope.sender_name, envelope.sender_email) + b"To: "
        self._after_to = reply + b"\r\nSubject: "
        self._static_subject = self._whole_subject() if not compiled.subject.slots else None
        self._parts, self._fills = _body(compiled.text, compiled.html)

    def _whole_subject(self) -> bytes:
        return headers.unstructured(self._subject.render({}), "subject")

    def mail(self, to: str, fields: Context, personal: PersonLinks, *, message_id: str, date: datetime) -> bytes:
        """The whole message for one person. Raises RenderFailed, and Invalid (`bad_address`, `bad_header`)."""
        context = self._compiled.context(fields, personal)
        subject = self._static_subject
        if subject is None:
            subject = headers.unstructured(self._subject.render(context), "subject")
        head = [
            self._from, headers.address(to, "to").encode("ascii"), self._after_to, subject, b"\r\nDate: ",
            headers.date(date), b"\r\nMessage-ID: ", headers.message_id(message_id, self._sender), b"\r\n",
        ]  # fmt: skip
        if self._one_click:
            url = headers.list_unsubscribe(personal.unsubscribe_url)
            head += [b"List-Unsubscribe: ", url, b"\r\n", _ONE_CLICK]
        return b"".join([*head, *self._filled(context)])

    def _filled(self, context: Mapping[str, Any]) -> list[bytes]:
        parts = self._parts.copy()
        size = 0
        for evaluate, positions in self._fills:
            value = evaluate(context)
            encoded = quoted_printable(value)
            size += len(encoded) * len(positions)
            for position in positions:
                parts[position] = encoded
        if size > _MAX_BYTES:
            raise RenderFailed(f"the mail grew beyond {_MAX_BYTES} bytes")
        return parts


_Fill = tuple[Callable[[Mapping[str, Any]], str], tuple[int, ...]]


def _body(text: Program, html: Program) -> tuple[list[bytes], list[_Fill]]:
    """Both parts as bytes with holes, and what fills each hole."""
    parts: list[bytes] = [_HEAD + _OPEN_TEXT]
    fills = _append(parts, text)
    parts.append(_OPEN_HTML)
    fills += _append(parts, html)
    parts.append(_CLOSE)
    return parts, fills


def _append(parts: list[bytes], program: Program) -> list[_Fill]:
    positions: dict[int, list[int]] = {}
    for part in program.parts:
        if isinstance(part, str):
            parts.append(quoted_printable(part))
        else:
            parts.append(_SOFT)
            positions.setdefault(part, []).append(len(parts))
            parts += [b"", _SOFT]
    return [(program.slots[slot], tuple(at)) for slot, at in positions.items()]
