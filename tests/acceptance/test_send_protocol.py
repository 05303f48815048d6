"""The send protocol, one test per promise, named by its number and printing its figure.

`make acceptance WHAT=send_protocol` runs each on a fresh clone of the committed state. Sizes are variables: `SEEDS` (5,000),
`KILLS` (100) and `PEOPLE` (20,000) may be set smaller for a trial.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clean_clone import check, cloned, last_line, numbers, run

pytestmark = pytest.mark.acceptance
RESULTS = Path("tests/bench/results")


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    for folder in cloned():
        run(folder, "make", ".venv/.done", ".venv-local/.done")
        yield folder


def stored(clone: Path, name: str) -> dict:  # type: ignore[type-arg]
    """A committed result."""
    return json.loads((clone / RESULTS / f"{name}.json").read_text())  # type: ignore[no-any-return]


def test_1_thousands_of_seeds_break_no_promise(clone: Path) -> None:
    seeds = int(os.environ.get("SEEDS", "5000"))
    told = last_line(run(clone, "make", "sim", f"SEEDS={seeds}", "START=1"))
    print(told)
    figures = numbers(told)
    assert re.fullmatch(r"sim: seeds=\d+ messages=\d+ faults=\d+ violations=0", told)
    assert figures["seeds"] == seeds
    assert figures["faults"] >= 5 * seeds
    documented = stored(clone, "sim")["measured"]
    slices = json.loads((clone / RESULTS / "sim_slices.json").read_text())
    print("documented:", documented, "slices:", sum(one["seeds"] for one in slices))
    assert documented["seeds"] >= 200_000
    assert documented["violations"] == 0
    assert sum(one["seeds"] for one in slices) >= 1_000_000
    assert sum(one["violations"] for one in slices) == 0


def test_2_a_fault_at_every_place_breaks_no_promise(clone: Path) -> None:
    told = last_line(run(clone, "make", "sim-exhaustive"))
    print(told)
    assert re.fullmatch(r"exhaustive: handlers=\d+ placements=\d+ violations=0", told)
    pairs = stored(clone, "exhaustive")["measured"]
    print("pairs:", pairs)
    assert pairs["violations"] == 0


def test_3_the_tests_can_fail(clone: Path) -> None:
    told = last_line(run(clone, "make", "mutants"))
    print(told)
    figures = numbers(told)
    assert figures["total"] >= 40
    assert figures["killed"] >= 0.95 * figures["total"]
    print("mutation of the rules:", stored(clone, "mutation")["measured"])


def test_4_every_case_of_the_catalogue_has_its_test(clone: Path) -> None:
    check(clone, "tests/docs/test_faults.py")


def test_5_one_call_of_a_provider_is_one_post(clone: Path) -> None:
    check(clone, "tests/unit/adapters", "-k", "044")


def test_6_a_hundred_killed_senders_double_and_lose_nobody(clone: Path) -> None:
    people, kills = os.environ.get("PEOPLE", "20000"), os.environ.get("KILLS", "100")
    told = last_line(run(clone, "make", "kill9", f"PEOPLE={people}", f"KILLS={kills}"))
    print(told)
    figures = numbers(told)
    assert (figures["people"], figures["kills"]) == (int(people), int(kills))
    assert figures["twice"] == figures["lost"] == 0
    assert figures["unknown"] <= 25 * figures["kills"]


def test_7_a_run_can_be_proven_and_a_restore_mails_nobody_after_a_no(clone: Path) -> None:
    run(clone, "make", "demo", "ONCE=1", "JSON=out.json")
    figures = json.loads((clone / "out.json").read_text())
    print({name: figures[name] for name in ("audience", "reconciled", "root_verified")})
    assert figures["reconciled"] == figures["audience"]
    assert figures["root_verified"] is True
    check(clone, "tests/unit/messaging", "-k", "flipped or drill")


def test_8_every_figure_of_the_table_is_reached(clone: Path) -> None:
    check(clone, "tests/bench/test_results.py")
    print((clone / "docs/reference/benchmarks.md").read_text())
