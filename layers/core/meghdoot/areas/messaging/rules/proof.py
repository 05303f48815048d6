"""What a run's proof is made of: the hash of a mail, of the word about it, and of a chunk."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256

from meghdoot.areas.messaging.model import CALLING, PARKED, PENDING, Chunk, SendRow

_MAIL_BYTES = 16
_TAG = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHAPE = "meghdoot-chunk-1"
_MOVING = (PENDING, CALLING, PARKED)


def mail_hash(raw: bytes) -> str:
    """The first 128 bits of SHA-256 over a whole message, in 22 characters that every provider's tags can hold."""
    return urlsafe_b64encode(sha256(raw).digest()[:_MAIL_BYTES])[:22].decode()


def fits_a_tag(text: str) -> bool:
    """Whether a provider's tag can hold the text."""
    return _TAG.fullmatch(text) is not None


def evidence_hash(row: SendRow) -> str:
    """What a send row says for ever: it is born with it, and climbing changes none of it."""
    told = (row.provider, row.provider_id or "", row.mail_hash or "", str(row.mailed_at or ""))
    return sha256("\n".join(told).encode()).hexdigest()


def chunk_digest(chunk: Chunk, audience: str, evidence: Mapping[int, str]) -> str:
    """SHA-256 over a chunk's number, letters, audience file (its SHA-256) and the evidence hashes by index."""
    lines = [_SHAPE, chunk.tenant, chunk.run_id, str(chunk.number), chunk.letters, audience]
    lines += [f"{index}:{evidence[index]}" for index in sorted(evidence)]
    return sha256("\n".join(lines).encode()).hexdigest()


def is_final(letters: str) -> bool:
    """Whether no letter can change any more."""
    return not any(letter in letters for letter in _MOVING)


def bits(indexes: Iterable[int], size: int) -> str:
    """Which of `size` people, as text: one bit each, in base64url without padding."""
    field = bytearray((size + 7) // 8)
    for index in indexes:
        field[index // 8] |= 1 << index % 8
    return urlsafe_b64encode(bytes(field)).rstrip(b"=").decode()


def indexes(text: str) -> list[int]:
    """What `bits` wrote. Raises ValueError for a text that it cannot have written."""
    field = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(field).rstrip(b"=").decode() != text:
        raise ValueError("these are no bits")
    return [n for n in range(len(field) * 8) if field[n // 8] >> n % 8 & 1]
