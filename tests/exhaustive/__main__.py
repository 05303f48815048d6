"""`python -m tests.exhaustive`: every placement, on two processes; ends with 1 when a promise was broken."""

from __future__ import annotations

import argparse
import gc
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.bench.results_file import keep
from tests.bench.table import results
from tests.exhaustive.faults import Placement
from tests.exhaustive.handlers import HANDLERS
from tests.exhaustive.runner import Told, by_name, run_pairs, run_singles, singles
from tests.exhaustive.scene import Handler

_A_PART = 8
_SHOWN = 20

Part = tuple[str, tuple[Placement, ...], bool]


def parts(handlers: Sequence[Handler], pairs: bool) -> Iterator[Part]:
    """The work, cut small enough that the processes end together."""
    for handler in handlers:
        placed = singles(handler)
        yield from ((handler.name, tuple(placed[n : n + _A_PART]), pairs) for n in range(0, len(placed), _A_PART))


def done(part: Part) -> tuple[str, Told]:
    """One part: its single faults, or every pair that begins with one of them."""
    name, placed, pairs = part
    return name, (run_pairs if pairs else run_singles)(by_name(name), placed)


def main() -> int:
    """Run what is asked for, and show it."""
    asked = argparse.ArgumentParser(prog="exhaustive", description=__doc__)
    asked.add_argument("--pairs", action="store_true", help="every pair of faults, after every single one")
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--result", action="store_true", help="write tests/bench/results/exhaustive.json")
    asked.add_argument("handlers", nargs="*", help="only these; results are put beside those of earlier runs")
    wanted = asked.parse_args()
    chosen = [handler for handler in HANDLERS if not wanted.handlers or handler.name in wanted.handlers]
    violations: list[str] = []
    placed: dict[str, Counter[str]] = {handler.name: Counter() for handler in chosen}
    # What was loaded once is no garbage.
    with ProcessPoolExecutor(wanted.processes, initializer=gc.freeze) as pool:
        for kind in ("singles", "pairs") if wanted.pairs else ("singles",):
            for name, told in pool.map(done, parts(chosen, kind == "pairs")):
                placed[name][kind] += told.placements
                placed[name]["violations"] += len(told.violations)
                violations += told.violations
    for name, counts in placed.items():
        print(f"{name}: {counts['singles']} singles, {counts['pairs']} pairs")
    for violation in violations[:_SHOWN]:
        print(violation)
    if wanted.result:
        _keep(placed)
    total = sum(counts["singles"] + counts["pairs"] for counts in placed.values())
    print(f"exhaustive: handlers={len(chosen)} placements={total} violations={len(violations)}")
    return 1 if violations else 0


def _keep(fresh: Mapping[str, Mapping[str, int]]) -> None:
    """Put the handlers of this run beside those of earlier ones, so that a long run may be cut into slices."""
    stored = results().get("exhaustive", {"measured": {"by_handler": {}}})["measured"]["by_handler"]
    by_handler = {h.name: dict((stored | fresh)[h.name]) for h in HANDLERS if h.name in stored | fresh}
    measured = {
        "handlers": len(by_handler),
        "placements": sum(counts["singles"] + counts.get("pairs", 0) for counts in by_handler.values()),
        "violations": sum(counts["violations"] for counts in by_handler.values()),
        "by_handler": by_handler,
    }
    keep("exhaustive", measured, {"violations": {"at_most": 0}})


if __name__ == "__main__":
    sys.exit(main())
