"""One seed from its beginning to its rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from unittest.mock import patch

from meghdoot.areas.messaging.rules import sharing
from tests.sim import rest, stores
from tests.sim.story import Story
from tests.sim.world import World
from tests.support.killing import START

_HOUR = 3600.0
_STARTS = tuple(START.timestamp() + hours * _HOUR for hours in (0.0, 3.0, 8.6, 8.95, 14.9, 19.8, 19.98))
"""Some shortly before midnight in one of the zones."""


@dataclass(slots=True)
class Report:
    """What one seed came to. `trace` is (time, worker, place) for every I/O and fault, in order."""

    seed: int
    violations: list[str]
    messages: int
    people: int
    kinds: Counter[str]
    acts: Counter[str]
    steps: int
    trace: list[tuple[float, str, str]] = field(repr=False)

    @property
    def faults(self) -> int:
        """How many faults happened."""
        return self.kinds.total()

    @property
    def fingerprint(self) -> str:
        """A digest of the whole trace: equal for equal seeds, on every machine."""
        h = blake2b(digest_size=16)
        for at, worker, place in self.trace:
            h.update(f"{at!r} {worker} {place}\n".encode())
        return h.hexdigest()

    def told(self, lines: int = 40) -> str:
        """The seed, its faults, what broke, and the end of the trace."""
        tail = [f"  {at:.3f} {worker} {place}" for at, worker, place in self.trace[-lines:]]
        faults = [f"  {at:.3f} {worker} {place}" for at, worker, place in self.trace if place.startswith("!")]
        broken = [f"  {words}" for words in self.violations[:10]]
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))
        return "\n".join([f"seed {self.seed}: {kinds}", *broken, "faults:", *faults[-lines:], "trace:", *tail])


def simulate(seed: int, *, allowed: frozenset[str] | None = None, gates: type = stores.Gates) -> Report:
    """Run one seed. `allowed` leaves only these kinds of faults; `gates` replaces the sender's adapter of gates."""
    # How far a rota of the pacer reaches back is a matter of speed alone.
    with patch.object(sharing, "_COMBS_A_ROTA", 128):
        return _simulated(seed, allowed, gates)


def _simulated(seed: int, allowed: frozenset[str] | None, gates: type) -> Report:
    world = World(seed, _STARTS[seed % len(_STARTS)], allowed, gates)
    story = Story(world)
    scheduler, watch = world.scheduler, world.watch
    try:
        scheduler.run(story.end_at)
        rest.check(story)
    except Exception as e:
        watch.broken(f"the run ended with {type(e).__name__}: {e}")
    watch.violations += scheduler.unexpected
    return Report(
        seed, watch.violations, len(watch.accepted) + sum(map(len, watch.singles.values())), len(world.people.ids), world.weather.happened,
        Counter(story.acts), watch.steps, world.trace,
    )  # fmt: skip
