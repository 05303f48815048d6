"""The simulator itself: seeds without a violation, the corpus, equal traces for equal seeds, and that it bites."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from meghdoot.areas.analytics import counting
from meghdoot.areas.analytics.model import Change
from meghdoot.areas.analytics.model import Counter as Counter_
from meghdoot.areas.messaging.rules import counted, letters
from meghdoot.areas.messaging.sender import SenderService
from tests.sim import corpus, simulate
from tests.sim.__main__ import ENOUGH, run
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


def first_broken(most: int, **broken: object) -> str:
    """The first violation that a house with something broken on purpose comes to."""
    for seed in range(most):
        report = simulate(seed, **broken)  # type: ignore[arg-type]
        if report.violations:
            return report.violations[0]
    raise AssertionError(f"{most} seeds found nothing")


def test_a_claim_that_checks_nothing_is_found() -> None:
    assert first_broken(40, gates=UncheckedGates)


def test_calling_again_what_a_dead_owner_called_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "parked", lambda chunk, _now: letters.replaced(chunk, "c", "."))
    assert first_broken(40)


def test_trying_again_after_silence_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(letters.OUTCOME_LETTERS, "ambiguous", ".")
    assert first_broken(40)


def test_a_cap_that_is_too_high_by_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = counted.on_local_day
    monkeypatch.setattr(counted, "on_local_day", lambda *args: true(*args) - 1)
    assert "passes the daily cap" in first_broken(40)


def test_senders_that_never_look_at_the_run_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = SenderService.look
    monkeypatch.setattr(SenderService, "look", lambda *args: (true(*args)[0], None))
    assert "after it was known" in first_broken(60)


def test_counting_a_repeated_batch_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def added(counter: Counter_ | None, changes: Sequence[Change]) -> Counter_:
        sums = counting.total([counter.sums] if counter else [], (change.deltas for change in changes))
        return Counter_(max(change.sequence for change in changes), sums)

    monkeypatch.setattr("meghdoot.areas.analytics.counter_service.advanced", added)
    assert "the counters of" in first_broken(60)


def test_a_seed_that_fails_joins_the_corpus_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    file.write_text("# seeds\n7 an old one\n")
    monkeypatch.setattr(corpus, "FILE", file)
    monkeypatch.setitem(letters.OUTCOME_LETTERS, "ambiguous", ".")
    sums = run(40, 0, jobs=1)
    assert sums.violations
    failed = [seed for seed, _, _ in sums.told]
    corpus.keep(failed[0], "again")
    assert corpus.seeds() == [7, *failed]


def test_the_runner_adds_up_and_asks_for_every_kind_of_fault() -> None:
    sums = run(6, 0, jobs=1)
    assert (sums.seeds, sums.violations, sums.short()) == (6, 0, [])
    sums.seeds = ENOUGH
    assert any("restored" in words for words in sums.short())
    assert any("faults a seed" in words for words in sums.short())
