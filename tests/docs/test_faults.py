"""The table of faults is whole, and agrees with the numbers in the names of the tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "faults.md"
CASES = range(1, 135)
WANTED = {*range(27, 65), *range(71, 82), *range(92, 100), *range(127, 135)}
"""Queues, providers, their words, stored data, several at once, operations: what the send protocol stands on."""
MOST_NOT_YET = 14


def rows() -> dict[int, tuple[str, str]]:
    """Number to words and to what stands in the last column."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if re.match(r"\| \d{3} \|", line)
    ]
    assert len(cells) == len({row[0] for row in cells}), "a case stands twice"
    return {int(number): (words, test) for number, words, test in cells}


def numbered_tests() -> dict[int, set[str]]:
    """Number to the tests that have it in their name, as `path::name`."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and (numbers := re.match(r"test((?:_\d{3})+)_", node.name)):
                for number in re.findall(r"\d{3}", numbers.group(1)):
                    found[int(number)].add(f"{path.relative_to(ROOT)}::{node.name}")
    return found


def test_every_case_has_one_row_in_words() -> None:
    assert list(rows()) == list(CASES)
    assert [number for number, (words, _) in rows().items() if len(words) < 20] == []


def test_every_named_test_exists_and_has_the_number_of_its_case() -> None:
    tests = numbered_tests()
    named = {number: test.strip("`") for number, (_, test) in rows().items() if not test.startswith("not yet")}
    assert [(number, test) for number, test in named.items() if test not in tests[number]] == []


def test_a_case_is_not_yet_exactly_while_no_test_has_its_number() -> None:
    without = {number for number, (_, test) in rows().items() if re.fullmatch(r"not yet: .{10,}", test)}
    assert without == set(CASES) - set(numbered_tests())


def test_what_the_send_protocol_stands_on_is_tested_but_for_what_is_not_built() -> None:
    without = {number for number, (_, test) in rows().items() if test.startswith("not yet")}
    assert len(without & WANTED) <= MOST_NOT_YET, sorted(without & WANTED)


def test_no_test_has_the_number_of_no_case() -> None:
    assert set(numbered_tests()) <= set(CASES)
