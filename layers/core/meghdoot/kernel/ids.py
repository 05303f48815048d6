"""Ids: UUIDv7 (RFC 9562) for things, keyed digests for facts that must have one id however often they are told."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from meghdoot.kernel.clock import Clock


class Ids(Protocol):
    """Makes ids for new things."""

    def new(self) -> str:
        """A new UUIDv7 as text: ids made later sort later."""
        ...


def uuid7(unix_ms: int, noise: bytes) -> str:
    """UUIDv7 of RFC 9562 section 5.7 from milliseconds since 1970 and ten random bytes."""
    value = (unix_ms & (2**48 - 1)) << 80 | int.from_bytes(noise[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid_text(value.to_bytes(16, "big"))


def uuid_text(raw: bytes) -> str:
    """Sixteen bytes in the canonical form. (The module `uuid` would cost a cold start five milliseconds.)"""
    h = raw.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


@dataclass(frozen=True, slots=True)
class SystemIds:
    """Ids from a clock and the machine's entropy (or another source of bytes, for a seeded run)."""

    clock: Clock
    noise: Callable[[int], bytes] = os.urandom

    def new(self) -> str:
        """A new UUIDv7."""
        return uuid7(int(self.clock.now().timestamp() * 1000), self.noise(10))


def digest(*parts: str, size: int = 16) -> str:
    """A stable id of `size` bytes in hex from text parts; parts cannot run into each other (lengths are hashed)."""
    h = blake2b(digest_size=size)
    for part in parts:
        raw = part.encode()
        h.update(len(raw).to_bytes(4, "big") + raw)
    return h.hexdigest()


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its canonical form."""
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return False
    return len(raw) == 16 and uuid_text(raw) == text
