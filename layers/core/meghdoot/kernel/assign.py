"""Stable buckets: the same people fall into the same bucket on every machine, for ever."""

from __future__ import annotations

from hashlib import sha256


def bucket(salt: str, subject: str, buckets: int) -> int:
    """A number from 0 to buckets - 1 by sha256 over salt and subject (Braze assigns variants the same way)."""
    raw = sha256(f"{salt}\x00{subject}".encode()).digest()
    return int.from_bytes(raw[:8], "big") % buckets
