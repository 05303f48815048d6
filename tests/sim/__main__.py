"""`python -m tests.sim SEEDS START`: many seeds in two processes. The last line holds the sums; 1 is answered for a violation.

Environment: `RESULT` (a file) keeps the result; `SLICES` (a file) adds it to a list of slices whose sums may be taken;
`JOBS` is the number of processes (2).
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from tests.bench.results_file import machine
from tests.sim import corpus
from tests.sim.faults import KINDS
from tests.sim.run import simulate

BLOCK = 50
ENOUGH = 1000
"""From so many seeds on the shares must be reached."""
_SHARE = 0.01
_PEOPLE = 10
_FAULTS = 5
_MOST_TOLD = 10


@dataclass
class Sums:
    """Sums over seeds."""

    seeds: int = 0
    messages: int = 0
    people: int = 0
    faults: int = 0
    violations: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """How many faults of a kind."""
    seen: Counter[str] = field(default_factory=Counter)
    """In how many seeds."""
    acts: Counter[str] = field(default_factory=Counter)
    told: list[tuple[int, str, str]] = field(default_factory=list)
    """Seed, first violation and story of those that failed."""

    def add(self, other: Sums) -> None:
        """Take in another's."""
        for name in ("seeds", "messages", "people", "faults", "violations"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kinds += other.kinds
        self.seen += other.seen
        self.acts += other.acts
        self.told += other.told

    def short(self) -> list[str]:
        """What a run of this size must reach and did not."""
        if self.seeds < ENOUGH:
            return []
        short = [f"{kind} in {self.seen[kind]} seeds" for kind in KINDS if self.seen[kind] < _SHARE * self.seeds]
        short += [f"{self.people / self.seeds:.1f} people a seed"] if self.people < _PEOPLE * self.seeds else []
        return short + ([f"{self.faults / self.seeds:.1f} faults a seed"] if self.faults < _FAULTS * self.seeds else [])


def block(span: range) -> Sums:
    """Simulate some seeds."""
    # A seed leaves circles behind; what was loaded once is no garbage.
    gc.freeze()
    gc.disable()
    sums = Sums()
    for seed in span:
        report = simulate(seed)
        sums.seeds += 1
        sums.messages += report.messages
        sums.people += report.people
        sums.faults += report.faults
        sums.kinds += report.kinds
        sums.acts += report.acts
        sums.seen.update(report.kinds.keys())
        if report.violations:
            sums.violations += len(report.violations)
            sums.told.append((seed, report.violations[0], report.told()))
    gc.collect()
    return sums


def run(seeds: int, start: int, jobs: int) -> Sums:
    """All seeds from `start` on."""
    spans = [range(at, min(at + BLOCK, start + seeds)) for at in range(start, start + seeds, BLOCK)]
    total = Sums()
    for number, sums in enumerate(_done(spans, jobs)):
        total.add(sums)
        for seed, first, story in sums.told:
            corpus.keep(seed, first)
            if len(total.told) <= _MOST_TOLD:
                print(story, flush=True)
        if number % 100 == 99:
            print(f"... {total.seeds} seeds, {total.violations} violations", flush=True)
    return total


def _done(spans: list[range], jobs: int) -> Iterator[Sums]:
    if jobs == 1 or len(spans) == 1:
        yield from map(block, spans)
        return
    with Pool(jobs) as pool:
        yield from pool.imap_unordered(block, spans)


def table(sums: Sums) -> str:
    """Every kind of fault: how often, and in which part of the seeds."""
    lines = [f"{'fault':24}{'times':>12}{'of seeds':>10}"]
    lines += [f"{kind:24}{sums.kinds[kind]:>12,}{sums.seen[kind] / sums.seeds:>9.1%}" for kind in KINDS]
    lines.append(f"acts: {', '.join(f'{name} {count:,}' for name, count in sorted(sums.acts.items()))}")
    lines.append(f"a seed: {sums.people / sums.seeds:.1f} people, {sums.faults / sums.seeds:.1f} faults")
    return "\n".join(lines)


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:12]


def keep(sums: Sums, start: int) -> None:
    """Write the result and the slice where the environment says so."""
    measured: dict[str, Any] = {
        "seeds": sums.seeds, "start": start, "messages": sums.messages, "people": sums.people, "faults": sums.faults,
        "violations": sums.violations, "commit": _commit(), "day": datetime.now(UTC).strftime("%Y-%m-%d"),
        "share_of_seeds": {kind: round(sums.seen[kind] / sums.seeds, 4) for kind in KINDS},
    }  # fmt: skip
    reach = {"violations": {"at_most": 0}}
    result = {"name": "sim", "measured": measured, "reach": reach, "machine": machine()}
    if wanted := os.environ.get("RESULT"):
        Path(wanted).write_text(json.dumps(result, indent=2) + "\n")
    if wanted := os.environ.get("SLICES"):
        file = Path(wanted)
        slices = json.loads(file.read_text()) if file.exists() else []
        names = ("start", "seeds", "messages", "faults", "violations", "commit")
        slices.append({name: measured[name] for name in names})
        file.write_text("[\n" + ",\n".join(json.dumps(one) for one in slices) + "\n]\n")


def main(seeds: int, start: int) -> int:
    """Run, tell, keep; 1 when anything broke or a kind of fault was too rare."""
    sums = run(seeds, start, int(os.environ.get("JOBS", "2")))
    print(table(sums))
    keep(sums, start)
    short = sums.short()
    if short:
        print("too little of:", "; ".join(short))
    print(f"sim: seeds={sums.seeds} messages={sums.messages} faults={sums.faults} violations={sums.violations}")
    return 1 if sums.violations or short else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
