"""What may go wrong, and how often in one seed. Names here are the kinds of faults that the runner counts."""

from __future__ import annotations

from collections import Counter
from random import Random

from meghdoot.kernel.errors import Throttled, Unavailable
from tests.sim.scheduler import Killed

BEFORE = ("crash_before", "throttled", "unavailable", "stall")
AFTER = ("crash_after", "reply_lost", "stall")
BETWEEN = ("crash_in", "half_done")
CALL = (
    "provider_retry", "provider_refused", "provider_bad_address", "provider_quota", "provider_stop", "timeout_before",
    "timeout_after", "timeout_late", "crash_in_call",
)  # fmt: skip
REPEAT = ("call_repeated",)
QUEUE = ("message_doubled", "message_delayed", "message_lost", "message_foreign")
ACK = ("ack_lost",)
EVENT = ("event_doubled", "event_delayed", "event_overtaken", "event_lost")
STREAM = ("batch_repeated", "batch_cut")
WORKER = ("older_code", "clock_skew", "outlives_lease")
PLATFORM = ("platform_kill", "dead_letter", "restored")
"""Not drawn at an I/O: they follow from others, or happen once in a seed."""
KINDS = (*BEFORE, *AFTER[:2], *BETWEEN, *CALL, *REPEAT, *QUEUE, *ACK, *EVENT, *STREAM, *WORKER, *PLATFORM)

_TENDENCY = {
    "crash_before": 1.0, "throttled": 1.0, "unavailable": 1.0, "stall": 1.5, "crash_after": 1.0, "reply_lost": 1.0,
}  # fmt: skip
_CALM_PART = 0.04
_INTENSITIES = (0.002, 0.004, 0.008, 0.015, 0.03)


class Weather:
    """The faults of one seed: which kinds, how often, and what has happened so far."""

    def __init__(self, random: Random, allowed: frozenset[str] | None = None) -> None:
        self.random = random
        self.chance = random.random
        self.happened: Counter[str] = Counter()
        self.allowed = allowed
        calm = self.chance() < _CALM_PART
        base = 0.0 if calm else _INTENSITIES[int(self.chance() * len(_INTENSITIES))]
        self.io_rate = base
        self.on = not calm

        def menu(kinds: tuple[str, ...], keep: float = 0.75) -> tuple[str, ...]:
            chosen = tuple(k for k in kinds if self.chance() < keep)
            return chosen if allowed is None else tuple(k for k in chosen if k in allowed)

        self.before, self.after, self.between = menu(BEFORE), menu(AFTER), menu(BETWEEN, 0.9)
        self.call, self.queue, self.event = menu(CALL, 0.5), menu(QUEUE), menu(EVENT)
        self.stream, self.worker = menu(STREAM), menu(WORKER, 0.5)
        self.repeat, self.ack = menu(REPEAT), menu(ACK)
        self.some = 0.0 if calm else base * 4 + 0.02
        """The rate of what happens to whole messages, calls to the provider, events and batches."""

    def drawn(self, kinds: tuple[str, ...], rate: float) -> str | None:
        """A fault of these kinds, or None most of the time."""
        if not self.on or self.chance() >= rate or not kinds:
            return None
        kind = kinds[int(self.chance() * len(kinds))]
        self.happened[kind] += 1
        return kind

    def allows(self, kind: str) -> bool:
        """Whether a kind of fault that is not drawn may happen in this seed."""
        return self.on and (self.allowed is None or kind in self.allowed)

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self.on = False


def failure(kind: str, place: str) -> BaseException | None:
    """What a fault at an I/O raises; None for one that only takes time."""
    if kind.startswith("crash"):
        return Killed(place)
    if kind == "throttled":
        return Throttled("simulated")
    return Unavailable("simulated") if kind in ("unavailable", "reply_lost", "half_done") else None
