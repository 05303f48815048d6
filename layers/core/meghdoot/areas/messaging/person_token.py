"""What stands in a person's own addresses: which message, sealed for one purpose. Only the standard library is needed.

Payload, before it is sealed (`kernel.tokens`): shape, flags, second of issue, run, customer, tenant, send key. There is
no address, no name and no expiry in it: an unsubscribe link works for ever.
"""

from __future__ import annotations

import struct
from binascii import unhexlify
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from meghdoot.areas.consent.model import CHANNELS, Channel
from meghdoot.kernel.i18n import LANGUAGES, Language
from meghdoot.kernel.ids import is_uuid, uuid_text
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.tokens import seal, unseal

TokenPurpose = Literal["click", "open", "unsubscribe"]

_SHAPE = 1
_HEAD = struct.Struct(">BBI")
_UUID, _HEX, _TEXT = 0, 1, 2
_INERT = 1


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
    """The payload of a reference: about 70 bytes."""
    flags = (
        (_INERT if person.inert else 0) | LANGUAGES.index(person.language) << 1 | CHANNELS.index(person.channel) << 4
    )
    issued = int(person.issued_at.timestamp()) if person.issued_at else 0
    parts = (person.run_id, person.customer_id, person.tenant, person.send_key)
    return _HEAD.pack(_SHAPE, flags, issued) + b"".join(_pack_text(part) for part in parts)


def unpack(payload: bytes) -> PersonRef:
    """The reference in a payload. Raises ValueError, IndexError or struct.error for anything that `pack` cannot write."""
    shape, flags, issued = _HEAD.unpack_from(payload)
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
        channel=CHANNELS[flags >> 4],
        language=LANGUAGES[flags >> 1 & 7],
        issued_at=datetime.fromtimestamp(issued, UTC) if issued else None,
        inert=bool(flags & _INERT),
    )


def _pack_text(text: str) -> bytes:
    # Ids are UUIDs and keys are hex: half the bytes as binary, and a shorter link.
    if is_uuid(text):
        return bytes((_UUID, 16)) + unhexlify(text.replace("-", ""))
    try:
        raw = unhexlify(text)
        kind = _HEX if raw.hex() == text else _TEXT
    except ValueError:
        kind = _TEXT
    raw = raw if kind == _HEX else text.encode()
    if len(raw) > 255:
        raise ValueError("an id of a link is too long")
    return bytes((kind, len(raw))) + raw


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
