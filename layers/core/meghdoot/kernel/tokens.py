"""Signed texts for the outside: each is bound to one purpose, names its key, and holds no address or name.

Shape: base64url(payload) "." key id "." base64url(first 16 bytes of HMAC-SHA256).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from meghdoot.kernel.keyring import Keyring

_TAG_BYTES = 16
_FILL = bytes(2)
_TAG_CHARS, _TAG_STRIDE = 22, 24
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_MAX_TOKEN = 2048


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _b64(raw) != text:
        # Several texts decode to the same bytes; only one of them is ours.
        raise ValueError("not canonical base64url")
    return raw


def seal(keyring: Keyring, purpose: str, payload: bytes) -> str:
    """Sign a payload for one purpose, with the current key."""
    tag = keyring.mac(purpose, payload)[:_TAG_BYTES]
    return f"{_b64(payload)}.{keyring.current}.{_b64(tag)}"


def seal_each(keyring: Keyring, purposes: Sequence[str], payload: bytes) -> list[str]:
    """One token a purpose for the same payload, as `seal` makes them, with the encoding done once for all."""
    parts = [payload, bytes(-len(payload) % 3)]
    for purpose in purposes:
        # Filled up with zeros to whole groups of three bytes, each begins a group of its own and encodes as if alone.
        parts += (keyring.mac(purpose, payload)[:_TAG_BYTES], _FILL)
    text = binascii.b2a_base64(b"".join(parts), newline=False).translate(_URL_SAFE).decode("ascii")
    body = text[: (len(payload) * 8 + 5) // 6]
    start = (len(payload) + 2) // 3 * 4
    tags = [text[at : at + _TAG_CHARS] for at in range(start, len(text), _TAG_STRIDE)]
    return [f"{body}.{keyring.current}.{tag}" for tag in tags]


def unseal(keyring: Keyring, purpose: str, token: str) -> bytes | None:
    """The payload, or None when the token is damaged, cut, of another purpose or of an unknown key."""
    if len(token) > _MAX_TOKEN or not token.isascii():
        return None
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload, tag = _unb64(parts[0]), _unb64(parts[2])
    except (ValueError, binascii.Error):
        return None
    if len(tag) != _TAG_BYTES or not keyring.verifies(purpose, payload, tag, parts[1]):
        return None
    return payload
