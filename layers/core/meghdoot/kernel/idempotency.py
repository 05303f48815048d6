"""The port that remembers answers by Idempotency-Key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a key: the digest of its request, and the answer once there is one."""

    fingerprint: str
    answer: str | None


class IdempotencyStore(Protocol):
    """Keys of a tenant, each kept until an instant that is checked by time (a store may delete later)."""

    def begin(
        self, tenant: str, key: str, fingerprint: str, token: str, *, now: datetime, until: datetime
    ) -> Remembered | None:
        """Take the key until `until`; None when it is ours now, else what it is known for. One of two callers wins."""
        ...

    def finish(self, tenant: str, key: str, fingerprint: str, token: str, *, answer: str, until: datetime) -> None:
        """Keep the answer until `until`, if the key is still held by this token."""
        ...

    def release(self, tenant: str, key: str, token: str) -> None:
        """Forget a key that is still held by this token: the request came to nothing and may be tried again."""
        ...
