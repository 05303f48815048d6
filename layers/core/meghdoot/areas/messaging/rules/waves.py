"""How large a wave is, and when to stop trying for now."""

from __future__ import annotations

from meghdoot.areas.messaging.model import WAVE_SIZE

CALL_SECONDS = 12.0
"""A call may take this long (connect, write, read) before it counts as ambiguous."""
WAVE_SECONDS = 20.0
"""Below this much time left no new wave begins."""
LEASE_MARGIN_SECONDS = 30
"""The lease outlives the function by this much, so that clocks a few seconds apart do no harm."""
CLAIM_ROUNDS = 8
GATES_AHEAD = 100
"""So many gates are read at once, for four waves: a claim holds the version that was read, so that age does no harm."""
TURN_SECONDS = 1.0
"""A turn lasts at least so long before it makes room for a tenant that waits."""
MAX_TROUBLES = 3
"""Ambiguous or throttled calls in a row after which the chunk is put back for later."""
QUOTA_DELAY_SECONDS = 900
TROUBLE_DELAY_SECONDS = 60
CONFLICT_DELAY_SECONDS = 5
SEALED_DELAY_SECONDS = 300
"""A message met behind a broken seal comes back after this long."""
ON_ITS_WAY_SECONDS = 3600
"""A message that was put is given this long before a second one is put beside it: queues may be long."""


def wave_size(rate: float) -> int:
    """At most 25 people or one second of the granted rate, at least one."""
    return max(1, min(WAVE_SIZE, int(rate)))


def backoff_seconds(troubles: int, chance: float) -> float:
    """Seconds to wait after the n-th trouble in a row, jittered by `chance` in [0, 1): between half and all of 2**n."""
    full = float(min(2**troubles, 20))
    return full / 2 + full / 2 * chance
