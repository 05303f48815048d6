"""Places every fault, and every pair of faults, at every I/O call of a handler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from meghdoot.kernel.errors import AppError
from tests.exhaustive.faults import Call, Faults, Placement, kinds_at
from tests.exhaustive.handlers import HANDLERS
from tests.exhaustive.house import small_waves
from tests.exhaustive.scene import Attempt, Handler, Scene
from tests.support.killing import Killed

_MOST_REPEATS = 4


@dataclass
class Told:
    """What came of some placements."""

    placements: int = 0
    violations: list[str] = field(default_factory=list)

    def __add__(self, other: Told) -> Told:
        return Told(self.placements + other.placements, self.violations + other.violations)


@dataclass(frozen=True)
class Outcome:
    """One run of a scene: the calls that were watched, what others might have done, and what is wrong."""

    calls: Sequence[Call]
    meanwhile: tuple[str, ...]
    wrong: Sequence[str]


def place(handler: Handler, placed: Sequence[Placement]) -> Outcome:
    """Play the handler's scene with these faults."""
    faults = Faults(dict(placed))
    with small_waves(chunk=handler.chunk):
        scene = handler.scene(faults)
        faults.meanwhile = scene.meanwhile
        wrong = [] if _attempted(scene) else ["the caller never hears of success"]
        return Outcome(faults.calls, tuple(scene.meanwhile), wrong + scene.end(len(placed)))


def _attempted(scene: Scene) -> bool:
    for attempt in scene.attempts:
        for _ in range(_MOST_REPEATS if scene.repeats else 1):
            if _ends_well(scene, attempt):
                break
        else:
            if scene.repeats:
                return False
    return True


def _ends_well(scene: Scene, attempt: Attempt) -> bool:
    scene.house.faults.watching = True
    try:
        attempt()
    except (Killed, AppError):
        return False
    finally:
        scene.house.faults.watching = False
    return True


def _behind(outcome: Outcome, first: int) -> Iterator[Placement]:
    """Every fault at every call from the `first` on."""
    for number in range(first, len(outcome.calls)):
        for kind in kinds_at(outcome.calls[number], outcome.meanwhile):
            yield Placement(number, kind)


def singles(handler: Handler) -> list[Placement]:
    """Every fault at every call of the handler when nothing else goes wrong."""
    clean = place(handler, ())
    if clean.wrong:
        raise AssertionError(f"{handler.name} is wrong without any fault: {clean.wrong}")
    return list(_behind(clean, 0))


def run_singles(handler: Handler, part: Iterable[Placement]) -> Told:
    """Place each of these faults alone."""
    told = Told()
    for one in part:
        told += _told(handler, (one,), place(handler, (one,)))
    return told


def run_pairs(handler: Handler, part: Iterable[Placement]) -> Told:
    """After each of these faults, place every other at every call that follows it: those of the repetitions too."""
    told = Told()
    for one in part:
        alone = place(handler, (one,))
        for other in _behind(alone, one.call + 1):
            told += _told(handler, (one, other), place(handler, (one, other)))
    return told


def _told(handler: Handler, placed: Sequence[Placement], outcome: Outcome) -> Told:
    words = " and ".join(
        f"{p.kind} at {p.call} ({outcome.calls[p.call].name if p.call < len(outcome.calls) else 'never'})"
        for p in placed
    )
    return Told(1, [f"{handler.name}, {words}: {wrong}" for wrong in outcome.wrong])


def by_name(name: str) -> Handler:
    """The handler of that name."""
    return next(handler for handler in HANDLERS if handler.name == name)
