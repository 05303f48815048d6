"""How many requests a key and a tenant may make, over all processes: counted in slices, so that few requests cost a write.

The gateway's own throttle is one for everybody. This one keeps a key that runs wild from using up its tenant's share, and a
tenant from using up the others'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Protocol

from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import AppError, Throttled

WINDOW_SECONDS = 10
_SLICES = 50
_KEPT = timedelta(hours=1)
_MOST_KNOWN = 10_000


class Counts(Protocol):
    """Sums that never pass their limit, shared by all processes."""

    def take(self, key: str, wanted: int, limit: int, expires_at: int) -> int:
        """Count up to `wanted` more where the sum stays within the limit; answers how many were counted."""
        ...


def _nothing(_reason: str) -> None:
    return None


@dataclass(slots=True)
class RequestRates:
    """Requests a second on average over ten seconds, for each key and for each tenant.

    While the database does not answer, requests are let in: the gateway's throttle still stands, and a lost count harms
    nobody. `told` hears of it.
    """

    counts: Counts
    clock: Clock
    per_key: float
    per_tenant: float
    told: Callable[[str], None] = _nothing
    _hand: dict[str, int] = field(default_factory=dict)
    """Requests that were counted already and not made yet, by the window's own key; minus one where none is left."""

    def check(self, tenant: str, actor: str) -> None:
        """Raises Throttled (`rate_limited`), with the seconds until there is room again."""
        now = self.clock.now()
        window = int(now.timestamp()) // WINDOW_SECONDS
        kept = (f"{tenant}#HITS#K#{actor}#{window}", self.per_key), (f"{tenant}#HITS#T#{window}", self.per_tenant)
        for key, rate in kept:
            if not self._taken(key, max(1, ceil(rate * WINDOW_SECONDS)), now):
                left = (window + 1) * WINDOW_SECONDS - now.timestamp()
                raise Throttled("too many requests", code="rate_limited", retry_after=max(1, ceil(left)))

    def _taken(self, key: str, limit: int, now: datetime) -> bool:
        have = self._hand.get(key, 0)
        if have < 0:
            return False
        if not have:
            have = self._leased(key, limit, now)
        if len(self._hand) > _MOST_KNOWN:
            self._hand.clear()
        self._hand[key] = have - 1
        return have > 0

    def _leased(self, key: str, limit: int, now: datetime) -> int:
        slice_ = max(1, limit // _SLICES)
        try:
            return self.counts.take(key, slice_, limit, int((now.astimezone(UTC) + _KEPT).timestamp()))
        except AppError as e:
            self.told(e.code)
            return slice_
