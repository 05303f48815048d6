"""`python -m tests.mutants`: breaks the house in memory, one breakage a process, and shows who noticed."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.mutants.mutant import Mutant, Rotten, break_it
from tests.mutants.table import MUTANTS

REACH = 0.95
SECONDS = 90
"""Of processor time: a breakage under which something never ends is noticed too."""
_LIBRARIES = ("jinja2", "pydantic", "cryptography.fernet", "greenlet", "zoneinfo", "pytest")
_SHOWN = 70


class Told(NamedTuple):
    """What became of a breakage: the oracle that noticed and its words, or neither."""

    number: int | None
    noticed_by: str | None
    words: str


def tried(number: int | None) -> Told:
    """Break the house in this fresh process (or leave it whole) and ask every oracle. Never raises for a breakage."""
    mutant = None if number is None else MUTANTS[number]
    if mutant is not None:
        try:
            break_it(mutant)
        except Rotten as e:
            return Told(number, None, f"ROTTEN: {e}")
    # What the house logs meanwhile is of no interest here.
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  for the life of the process
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS if mutant else 4 * SECONDS)
    try:
        oracles = importlib.import_module("tests.mutants.oracles")
    except AssertionError as e:
        return Told(number, "loading", str(e))
    for oracle in oracles.in_order(mutant.family if mutant else "claim"):
        try:
            oracle.check()
        except Exception as e:
            return Told(number, oracle.name, f"{type(e).__name__}: {e}".splitlines()[0])
    return Told(number, None, "")


def _too_long(*_: object) -> None:
    raise TimeoutError("it never ends")


def run(numbers: Sequence[int | None], processes: int) -> Iterator[Told]:
    """Try breakages, each in a process that has loaded nothing of the house before, and answer in their order."""
    for library in _LIBRARIES:
        importlib.import_module(library)
    context = multiprocessing.get_context("fork")
    with context.Pool(processes, maxtasksperchild=1) as pool:
        yield from pool.imap(tried, numbers, chunksize=1)


def line(mutant: Mutant, told: Told) -> str:
    """One line of the table."""
    fate = told.noticed_by or ("lives (equivalent)" if mutant.equivalent else "LIVES")
    return f"{mutant.family:<9} {mutant.name:<42} {fate:<26} {told.words[:_SHOWN]}"


def chosen(fast: bool, names: Sequence[str]) -> list[int]:
    """All, the first of each family, or those of the names or families given."""
    seen: dict[str, int] = {}
    picked = []
    for number, mutant in enumerate(MUTANTS):
        seen[mutant.family] = seen.get(mutant.family, 0) + 1
        if {mutant.name, mutant.family} & set(names) or (not names and (not fast or seen[mutant.family] == 1)):
            picked.append(number)
    return picked


def main() -> int:
    """Run what is asked for; 1 when too many live, or when the whole house is thought broken."""
    asked = argparse.ArgumentParser(prog="mutants", description=__doc__)
    asked.add_argument("--fast", action="store_true", help="one of each family")
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("names", nargs="*", help="only these breakages or families")
    wanted = asked.parse_args()
    known = {word for mutant in MUTANTS for word in (mutant.family, mutant.name)}
    if unknown := set(wanted.names) - known:
        asked.error(f"there is no family and no breakage of the name {', '.join(sorted(unknown))}")
    numbers: list[int | None] = list(chosen(wanted.fast, wanted.names))
    # First of all every oracle must be silent about the house as it is.
    whole = [] if wanted.fast or wanted.names else [told for told in run([None], 1) if told.noticed_by]
    for one in whole:
        print(f"the whole house is thought broken by {one.noticed_by}: {one.words}")
    if whole:
        return 1
    killed = rotten = 0
    for one in run(numbers, wanted.processes):
        if one.number is not None:
            killed += one.noticed_by is not None
            rotten += one.words.startswith("ROTTEN")
            print(line(MUTANTS[one.number], one), flush=True)
    print(f"mutants: total={len(numbers)} killed={killed}")
    return 1 if rotten or killed < REACH * len(numbers) else 0


if __name__ == "__main__":
    sys.exit(main())
