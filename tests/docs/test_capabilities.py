"""The list of capabilities is whole, and each test it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "capabilities.md"
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in PAGE.read_text().splitlines()
    if re.match(r"\| [A-Z0-9]+-\d+ \|", line)
]
SHOWN = [row for row in ROWS if row[2] != "not yet"]


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(
        n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    )


def resolves(node_id: str) -> bool:
    """Whether a test named as `path::name` (or `path::Class::name`, parameters left out) exists."""
    path, *names = re.sub(r"\[.*\]$", "", node_id).split("::")
    file = ROOT / path
    return file.is_file() and bool(names) and all(name in _tests_of(file) for name in names)


def test_every_capability_of_the_mission_has_one_row() -> None:
    ids = [row[0] for row in ROWS]
    assert len(ids) == len(set(ids)) == 631


def test_states_are_the_three_and_words_stand_only_where_something_works() -> None:
    assert {row[2] for row in ROWS} <= {"works", "partly", "not yet"}
    assert [row[0] for row in ROWS if (row[2] == "not yet") != (row[1] == "")] == []


def test_every_named_test_exists() -> None:
    assert [(row[0], row[3]) for row in SHOWN if not resolves(row[3])] == []


@pytest.mark.parametrize(
    "wrong", ["tests/docs/test_capabilities.py::test_none", "tests/nowhere.py::test_x", "tests/docs"]
)
def test_a_name_that_resolves_to_nothing_is_seen(wrong: str) -> None:
    assert not resolves(wrong)
