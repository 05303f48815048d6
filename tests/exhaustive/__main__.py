"""`python -m tests.exhaustive`: every placement, on two processes; ends with 1 when a promise was broken."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.bench.results_file import keep
from tests.exhaustive.faults import Placement
from tests.exhaustive.handlers import HANDLERS
from tests.exhaustive.runner import Told, by_name, run_pairs, run_singles, singles

_A_PART = 8
_SHOWN = 20

Part = tuple[str, tuple[Placement, ...], bool]


def parts(pairs: bool) -> list[Part]:
    """The work, cut small enough that the processes end together."""
    work = []
    for handler in HANDLERS:
        placed = singles(handler)
        work += [(handler.name, tuple(placed[n : n + _A_PART]), pairs) for n in range(0, len(placed), _A_PART)]
    return work


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
    wanted = asked.parse_args()
    os.nice(10)
    told, by_handler = Told(), Counter[str]()
    with ProcessPoolExecutor(wanted.processes) as pool:
        for round_ in (False, True) if wanted.pairs else (False,):
            for name, part in pool.map(done, parts(round_)):
                told += part
                by_handler[f"{name}, {'pairs' if round_ else 'singles'}"] += part.placements
    for name, count in by_handler.items():
        print(f"{name}: {count}")
    for violation in told.violations[:_SHOWN]:
        print(violation)
    if wanted.result:
        measured = {
            "handlers": len(HANDLERS), "placements": told.placements, "violations": len(told.violations),
            "by_handler": dict(by_handler),
        }  # fmt: skip
        keep("exhaustive", measured, {"placements": {"at_least": 20_000}, "violations": {"at_most": 0}})
    print(f"exhaustive: handlers={len(HANDLERS)} placements={told.placements} violations={len(told.violations)}")
    return 1 if told.violations else 0


if __name__ == "__main__":
    sys.exit(main())
