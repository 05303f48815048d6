"""Keys with names, so that they can be rotated: the current one signs, every listed one verifies."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

_BLOCK = 64
_MOST_BEGUN = 64


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Named secrets. `current` is the id of the one that signs. Key ids are short and hold no `.` or `#`."""

    keys: Mapping[str, bytes]
    current: str
    _begun: dict[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict, init=False, compare=False)

    def mac(self, purpose: str, message: bytes, key_id: str | None = None) -> bytes:
        """HMAC-SHA256 (RFC 2104) of the message under a key and a purpose. Raises KeyError for an unknown key id."""
        named = (key_id or self.current, purpose)
        begun = self._begun.get(named)
        if begun is None:
            begun = self._begin(*named)
        # Key and purpose are hashed once a process; a message copies both states, a third of a whole HMAC.
        inner, outer = begun[0].copy(), begun[1].copy()
        inner.update(message)
        outer.update(inner.digest())
        tag: bytes = outer.digest()
        return tag

    def _begin(self, key_id: str, purpose: str) -> tuple[Any, Any]:
        key = self.keys[key_id]
        block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\x00")
        inner = sha256(bytes(byte ^ 0x36 for byte in block) + purpose.encode() + b"\x00")
        begun = inner, sha256(bytes(byte ^ 0x5C for byte in block))
        if len(self._begun) < _MOST_BEGUN:
            self._begun[key_id, purpose] = begun
        return begun

    def verifies(self, purpose: str, message: bytes, tag: bytes, key_id: str) -> bool:
        """Whether the tag (truncated to its own length, at least 16 bytes) is right; constant time, never raises."""
        key = self.keys.get(key_id)
        if key is None or len(tag) < 16:
            return False
        return hmac.compare_digest(self.mac(purpose, message, key_id)[: len(tag)], tag)
