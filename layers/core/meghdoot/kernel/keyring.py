"""Keys with names, so that they can be rotated: the current one signs, every listed one verifies."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Named secrets. `current` is the id of the one that signs. Key ids are short and hold no `.` or `#`."""

    keys: Mapping[str, bytes]
    current: str

    def mac(self, purpose: str, message: bytes, key_id: str | None = None) -> bytes:
        """HMAC-SHA256 (RFC 2104) of the message under a key and a purpose. Raises KeyError for an unknown key id."""
        key = self.keys[key_id or self.current]
        return hmac.digest(key, purpose.encode() + b"\x00" + message, "sha256")

    def verifies(self, purpose: str, message: bytes, tag: bytes, key_id: str) -> bool:
        """Whether the tag (truncated to its own length, at least 16 bytes) is right; constant time, never raises."""
        key = self.keys.get(key_id)
        if key is None or len(tag) < 16:
            return False
        return hmac.compare_digest(self.mac(purpose, message, key_id)[: len(tag)], tag)
