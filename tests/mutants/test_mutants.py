"""The table of breakages cannot rot, covers every family, and the oracles notice one of each."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from tests.mutants.mutant import Family, Mutant, Rotten
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "mutants.md"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_snippet_stands_once_in_its_module_and_the_broken_text_can_be_loaded(mutant: Mutant) -> None:
    whole = mutant.path.read_text()
    broken = mutant.applied_to(whole)
    assert broken != whole
    compile(broken, mutant.name, "exec")


def test_a_snippet_that_is_gone_or_stands_twice_is_told() -> None:
    mutant = Mutant("claim", "x", "meghdoot.kernel.ids", "import", "export", "nothing")
    for text in ("", "import a\nimport b"):
        with pytest.raises(Rotten):
            mutant.applied_to(text)


def test_there_are_enough_breakages_and_five_of_each_family() -> None:
    families = Counter(mutant.family for mutant in MUTANTS)
    assert len(MUTANTS) >= 40
    assert set(families) == set(get_args(Family))
    assert min(families.values()) >= 5
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_whatever_may_live_is_explained_on_the_page() -> None:
    page = PAGE.read_text()
    for mutant in MUTANTS:
        assert (f"| {mutant.name} |" in page) == (mutant.equivalent is not None), mutant.name


def test_one_breakage_of_each_family_is_noticed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--fast"], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    families = len(get_args(Family))
    assert done.stdout.splitlines()[-1] == f"mutants: total={families} killed={families}", done.stdout + done.stderr


def test_a_breakage_that_nobody_knows_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "clam"], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 2
    assert "clam" in done.stderr
