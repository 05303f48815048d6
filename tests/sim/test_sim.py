"""The simulator itself: seeds without a violation, the corpus, equal traces for equal seeds, and that it bites."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.sim import simulate
from tests.sim.corpus import seeds
from tests.sim.stores import UncheckedGates

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 300


def test_045_seeds_of_faults_break_no_promise() -> None:
    people, faults = 0, Counter[str]()
    for seed in range(SEEDS):
        report = simulate(seed)
        assert not report.violations, report.told()
        people += report.people
        faults += report.kinds
    assert people >= 10 * SEEDS
    assert faults.total() >= 5 * SEEDS


@pytest.mark.parametrize("seed", seeds())
def test_a_seed_that_once_failed_never_fails_again(seed: int) -> None:
    report = simulate(seed)
    assert not report.violations, report.told()


def fingerprints_of_another_process(hash_seed: str) -> str:
    code = "from tests.sim import simulate; print(*[simulate(s).fingerprint for s in range(5)])"
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_same_seed_has_the_same_trace_in_every_process() -> None:
    here = [simulate(seed).fingerprint for seed in range(5)]
    assert here == [simulate(seed).fingerprint for seed in range(5)]
    assert len(set(here)) == 5
    assert fingerprints_of_another_process("1") == fingerprints_of_another_process("2") == " ".join(here)


def test_without_a_fault_nobody_is_unknown() -> None:
    for seed in range(40):
        report = simulate(seed, allowed=frozenset())
        assert not report.violations, report.told()
        assert report.faults == 0


def first_broken(most: int = 60, **broken: object) -> str:
    for seed in range(most):
        report = simulate(seed, **broken)  # type: ignore[arg-type]
        if report.violations:
            return report.violations[0]
    raise AssertionError(f"{most} seeds found nothing")


def test_a_claim_that_checks_nothing_is_found() -> None:
    assert first_broken(gates=UncheckedGates)
