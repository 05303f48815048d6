"""Header lines of a message (RFC 5322, RFC 2047) as bytes; nothing that a person typed can add or end a line."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from meghdoot.kernel.errors import Invalid

MAX_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 section 2.1.1)."""
_WORD_BYTES = 39
"""UTF-8 octets of an encoded word: 52 in base64, 64 with its frame, 76 behind the longest of our header names."""
PLAIN_LINE = 66
"""Characters of a plain Subject."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*@{_LABEL}(?:\.{_LABEL})*")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_URL = re.compile(r"(?:https://|http://127\.0\.0\.1:)[!-;=?-~]+")
"""https only (RFC 8058), but for this machine itself: the local stack has no certificate."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")


def address(value: str, field: str) -> str:
    """A bare address, as it may stand in From, To and Reply-To. Raises Invalid (`bad_address`)."""
    if len(value) > 320 or _ADDRESS.fullmatch(value) is None:
        raise Invalid(f"{field} is no address that a header can hold", code="bad_address")
    return value


def safe(value: str, field: str) -> str:
    """The value, if it can stand in one header line. Raises Invalid (`bad_header`) for CR, LF and other controls."""
    if not value.isprintable() and _CONTROL.search(value):
        raise Invalid.field(field, "bad_header", "line breaks and control characters cannot stand in a header")
    return value


def unstructured(value: str, field: str) -> bytes:
    """The value of a Subject and its like: plain where it is short ASCII, else encoded words, folded."""
    safe(value, field)
    if value.isascii() and len(value) <= PLAIN_LINE and "=?" not in value and value == value.strip():
        return value.encode("ascii")
    return b"\r\n ".join(_encoded_words(value))


def _encoded_words(value: str) -> Iterator[bytes]:
    """Encoded words of whole characters."""
    word = b""
    for ch in value:
        raw = ch.encode()
        if len(word) + len(raw) > _WORD_BYTES:
            yield b"=?utf-8?b?" + b64encode(word) + b"?="
            word = b""
        word += raw
    yield b"=?utf-8?b?" + b64encode(word) + b"?="


def mailbox(name: str, addr: str, field: str) -> bytes:
    """`Name <address>` with the name quoted or encoded as it needs. Raises Invalid."""
    plain = address(addr, field).encode("ascii")
    shown = safe(name, field).strip()
    if not shown:
        return plain
    if shown.isascii() and len(shown) <= PLAIN_LINE - 2 and "=?" not in shown:
        quoted = shown if _ATOMS.fullmatch(shown) else '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return quoted.encode("ascii") + b"\r\n <" + plain + b">"
    return b"\r\n ".join([*_encoded_words(shown), b"<" + plain + b">"])


def message_id(local: str, sender: str) -> bytes:
    """Our Message-ID under the domain of a sender's address. Raises Invalid (`bad_header`)."""
    if _MESSAGE_ID.fullmatch(local) is None:
        raise Invalid.field("message_id", "bad_header", "letters, digits, dots, - and _ only")
    return f"<{local}@{sender.rpartition('@')[2]}>".encode("ascii")


def list_unsubscribe(url: str) -> bytes:
    """The value of List-Unsubscribe: one https address (RFC 8058). Raises Invalid (`bad_header`)."""
    if _URL.fullmatch(url) is None or len(url) > MAX_LINE - 40:
        raise Invalid.field("unsubscribe_url", "bad_header", "an https address is needed")
    return f"<{url}>".encode("ascii")


def header_line(name: str, value: str) -> bytes:
    """Any other header line. Raises Invalid for a name or value that could end it."""
    if _NAME.fullmatch(name) is None:
        raise Invalid.field(name[:40], "bad_header", "this is no name of a header")
    raw = value.encode("ascii") if value.isascii() and len(value) < MAX_LINE - 70 else None
    safe(value, name)
    return name.encode("ascii") + b": " + (raw if raw is not None else unstructured(value, name)) + b"\r\n"


@lru_cache(maxsize=64)
def _second(timestamp: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(timestamp, UTC)).encode("ascii")


def date(at: datetime) -> bytes:
    """The value of Date, in UTC."""
    return _second(int(at.timestamp()))
