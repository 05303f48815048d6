"""Signed texts for the outside: each is bound to one purpose, names its key, and holds no address or name.

Shape: base64url(payload) "." key id "." base64url(first 16 bytes of HMAC-SHA256).
"""

from __future__ import annotations

import base64
import binascii

from meghdoot.kernel.keyring import Keyring

_TAG_BYTES = 16
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
