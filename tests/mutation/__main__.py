"""`python -m tests.mutation`: changes the rules of consent and messaging one by one, and asks their unit tests."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.results_file import keep
from tests.bench.table import results
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.plugin import LAYER, Mutating

ROOT = Path(__file__).resolve().parents[2]
AREAS = "meghdoot.areas"
REACH = 0.9
ALWAYS = ("test_rules.py", "test_rules_edges.py", "test_pacing_edges.py", "test_sender.py")
_PACING = ("test_pacing.py", "test_slot_pacer.py")
_SINGLES = ("test_singles_taking.py", "test_singles_guards.py", "test_singles_calls.py", "test_singles_owners.py")
_CHUNKS = ("test_planning.py", "test_receipts.py", "test_sweeping.py", "test_run_life.py", "test_gate_reads.py")
THROUGH = {
    "pacing": _PACING, "sharing": _PACING, "stalling": (*_PACING, "test_grants.py"), "waves": _PACING,
    "allowances": (*_PACING, "test_grants.py"), "facts": _SINGLES, "letters": _CHUNKS, "accounting": _CHUNKS,
}  # fmt: skip
"""Tests that reach a module through the service that uses it."""


def modules() -> list[str]:
    """The rules of consent and of messaging."""
    folder = LAYER / "meghdoot" / "areas" / "messaging" / "rules"
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    return [f"{AREAS}.consent.rules", *(f"{AREAS}.messaging.rules.{name}" for name in names)]


def tests_of(module: str) -> list[str]:
    """The unit tests of consent; of messaging those of the rules, of the sender, and those that import the module."""
    area, stem = ("consent" if ".consent." in module else "messaging"), module.rpartition(".")[2]
    imports = re.compile(rf"rules(\.| import .*\b){stem}\b")
    own = sorted((ROOT / "tests" / "unit" / area).glob("test_*.py"))
    named = {*ALWAYS, *THROUGH.get(stem, ())}
    return [str(p) for p in own if area == "consent" or p.name in named or imports.search(p.read_text())]


def one(module: str, part: int, parts: int) -> int:
    """Try a part of a module's mutations, and print what lives."""
    tried = Mutating([module], part, parts)
    pytest.main(["-q", *tests_of(module)], plugins=[tried])
    print(f"total {tried.total}")
    for name in tried.survivors:
        print(f"lives {name}")
    for name in tried.broken:
        print(f"broken {name}")
    return 0 if tried.total and not tried.broken else 1


def lines_of(module: str, processes: int) -> list[str]:
    """What the processes that share a module say."""
    command = [sys.executable, "-m", "tests.mutation", "--module", module, "--parts", str(processes)]
    running = [
        subprocess.Popen([*command, "--part", str(part)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for part in range(processes)
    ]
    return [line for process in running for line in process.communicate()[0].splitlines()]


def main() -> int:
    """All modules, or one part of one."""
    asked = argparse.ArgumentParser(prog="mutation", description=__doc__)
    asked.add_argument("--module")
    asked.add_argument("--part", type=int, default=0)
    asked.add_argument("--parts", type=int, default=1)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--result", action="store_true", help="write tests/bench/results/mutation.json")
    asked.add_argument("names", nargs="*", help="only these modules, by the end of their names")
    wanted = asked.parse_args()
    if wanted.module:
        return one(wanted.module, wanted.part, wanted.parts)
    total, alive, same = Counter[str](), Counter[str](), Counter[str]()
    for module in modules():
        if wanted.names and not module.endswith(tuple(wanted.names)):
            continue
        name = module.removeprefix(f"{AREAS}.")
        for line in lines_of(module, wanted.processes):
            kind, _, rest = line.partition(" ")
            if kind == "broken":
                print(f"fails without any change: {rest}")
                return 1
            if kind == "total":
                total[name] += int(rest)
            elif kind == "lives":
                alive[name] += 1
                same[name] += rest in EQUIVALENT
                print(f"  {'equivalent' if rest in EQUIVALENT else 'LIVES':<10} {rest}")
        print(f"{name}: {total[name] - alive[name]} of {total[name]}", flush=True)
    killed = total.total() - alive.total()
    percent = round(100 * killed / max(1, total.total()), 1)
    if wanted.result:
        _kept({name: [total[name] - alive[name], total[name], same[name]] for name in total})
    print(f"mutation: total={total.total()} killed={killed} equivalent={same.total()} percent={percent}")
    return 1 if killed < REACH * total.total() else 0


def _kept(fresh: dict[str, list[int]]) -> None:
    """Put the modules of this run beside those of earlier ones, so that a long run may be cut into slices."""
    stored = results().get("mutation", {"measured": {"by_module": {}}})["measured"]["by_module"]
    known = {module.removeprefix(f"{AREAS}.") for module in modules()}
    by_module = {name: counts for name, counts in sorted((stored | fresh).items()) if name in known}
    killed, total, equivalent = (sum(counts[n] for counts in by_module.values()) for n in range(3))
    measured = {
        "mutations": total, "killed": killed, "equivalent": equivalent, "percent": round(100 * killed / total, 1),
        "modules": len(by_module), "by_module": by_module,
    }  # fmt: skip
    keep("mutation", measured, {"percent": {"at_least": 100 * REACH}})


if __name__ == "__main__":
    sys.exit(main())
