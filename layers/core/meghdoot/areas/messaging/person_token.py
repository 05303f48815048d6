"""What stands in a person's own addresses: which message, sealed for one purpose. Only the standard library is needed.

Payload, before it is sealed (`kernel.tokens`): shape, flags, second of issue, run, customer, tenant, send key. There is
no address, no name and no expiry in it: an unsubscribe link works for ever.
"""

from __future__ import annotations

import re
import struct
from binascii import unhexlify
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from meghdoot.areas.consent.model import CHANNELS, Channel
from meghdoot.kernel.i18n import LANGUAGES, Language
from meghdoot.kernel.ids import uuid_text
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.tokens import seal, unseal

TokenPurpose = Literal["click", "open", "unsubscribe"]

_SHAPE = 1
_HEAD = struct.Struct(">BBI")
_UUID, _HEX, _TEXT = 0, 1, 2
_INERT = 1
_UUID_HEAD = bytes((_UUID, 16))
_UUID_TEXT = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_HEX_TEXT = re.compile("(?:[0-9a-f]{2})*").fullmatch


@dataclass(frozen=True, slots=True)
class PersonRef:
    """One message to one person, as a link names it.

    `issued_at` (whole seconds) is when the message was made; None when that is not known. An `inert` reference belongs
    to a test send: whatever is done with it changes nothing.
    """

    tenant: str
    run_id: str
    customer_id: str
    channel: Channel
    send_key: str
    language: Language = "en"
    issued_at: datetime | None = None
    inert: bool = False


def person_token(keyring: Keyring, purpose: TokenPurpose, person: PersonRef) -> str:
    """A token for one purpose, signed with the current key. Raises ValueError when an id is longer than 255 bytes."""
    return seal(keyring, purpose, pack(person))


def read_person_token(keyring: Keyring, purpose: TokenPurpose, token: str) -> PersonRef | None:
    """Whom a token names; None when it is damaged, cut, forged, or made for another purpose."""
    payload = unseal(keyring, purpose, token)
    if payload is None:
        return None
    try:
        return unpack(payload)
    except (ValueError, IndexError, struct.error):
        return None


def pack(person: PersonRef) -> bytes:
    """The payload of a reference: about 70 bytes. Raises ValueError when an id is longer than 255 bytes."""
    issued = int(person.issued_at.timestamp()) if person.issued_at else 0
    return pack_parts(
        person.tenant, person.run_id, person.customer_id, person.send_key,
        flags(person.channel, person.language, inert=person.inert), issued,
    )  # fmt: skip


def pack_parts(tenant: str, run_id: str, customer_id: str, send_key: str, flags: int, issued: int) -> bytes:
    """`pack`, without an object for each person. `issued` is in seconds since 1970, 0 when it is not known."""
    return b"".join(
        (
            _HEAD.pack(_SHAPE, flags, issued),
            _pack_common(run_id),
            _pack_text(customer_id),
            _pack_common(tenant),
            _pack_text(send_key),
        )
    )


@lru_cache(maxsize=64)
def flags(channel: Channel, language: Language, *, inert: bool) -> int:
    """Channel, language and whether the link is inert, in one byte."""
    return (_INERT if inert else 0) | LANGUAGES.index(language) << 1 | CHANNELS.index(channel) << 4


def unpack(payload: bytes) -> PersonRef:
    """The reference in a payload. Raises ValueError, IndexError or struct.error for anything that `pack` cannot write."""
    shape, marks, issued = _HEAD.unpack_from(payload)
    if shape != _SHAPE:
        raise ValueError("another shape")
    texts, position = [], _HEAD.size
    for _ in range(4):
        text, position = _unpack_text(payload, position)
        texts.append(text)
    if position != len(payload):
        raise ValueError("bytes are left over")
    return PersonRef(
        run_id=texts[0],
        customer_id=texts[1],
        tenant=texts[2],
        send_key=texts[3],
        channel=CHANNELS[marks >> 4],
        language=LANGUAGES[marks >> 1 & 7],
        issued_at=datetime.fromtimestamp(issued, UTC) if issued else None,
        inert=bool(marks & _INERT),
    )


def _pack_text(text: str) -> bytes:
    # Ids are UUIDs and keys are hex: half the bytes as binary, and a shorter link.
    if _UUID_TEXT(text):
        return _UUID_HEAD + unhexlify(text.replace("-", ""))
    kind = _HEX if _HEX_TEXT(text) else _TEXT
    raw = unhexlify(text) if kind == _HEX else text.encode()
    if len(raw) > 255:
        raise ValueError("an id of a link is too long")
    return bytes((kind, len(raw))) + raw


# Run and tenant are the same in thousands of links.
_pack_common = lru_cache(maxsize=64)(_pack_text)


def _unpack_text(payload: bytes, position: int) -> tuple[str, int]:
    kind, length = payload[position], payload[position + 1]
    start, end = position + 2, position + 2 + length
    raw = payload[start:end]
    if len(raw) != length or kind not in (_UUID, _HEX, _TEXT):
        raise ValueError("cut short")
    if kind == _UUID:
        if length != 16:
            raise ValueError("not a UUID")
        return uuid_text(raw), end
    return (raw.hex() if kind == _HEX else raw.decode()), end
