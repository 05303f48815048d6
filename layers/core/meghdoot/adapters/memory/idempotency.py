"""Idempotency keys in memory."""

from __future__ import annotations

from datetime import datetime

from meghdoot.kernel.idempotency import Remembered


class MemoryIdempotency:
    """Keys in a dict: (tenant, key) to token, what is known, and until when."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[str, Remembered, datetime]] = {}

    def begin(
        self, tenant: str, key: str, fingerprint: str, token: str, *, now: datetime, until: datetime
    ) -> Remembered | None:
        kept = self._kept.get((tenant, key))
        if kept is not None and kept[2] > now:
            return kept[1]
        self._kept[(tenant, key)] = (token, Remembered(fingerprint, None), until)
        return None

    def finish(self, tenant: str, key: str, fingerprint: str, token: str, *, answer: str, until: datetime) -> None:
        if self._is_held(tenant, key, token):
            self._kept[(tenant, key)] = (token, Remembered(fingerprint, answer), until)

    def release(self, tenant: str, key: str, token: str) -> None:
        if self._is_held(tenant, key, token):
            del self._kept[(tenant, key)]

    def _is_held(self, tenant: str, key: str, token: str) -> bool:
        kept = self._kept.get((tenant, key))
        return kept is not None and kept[0] == token
