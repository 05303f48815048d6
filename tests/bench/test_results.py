"""The committed results hold every promised figure, reach what the table says, and stand on the page as they are."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.bench.results_file import missed
from tests.bench.table import PAGE, ROWS, Row, page, results


def wrong(row: Row, stored: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong with a row of the table in the results; empty when all is well."""
    result = stored.get(row.result)
    if result is None:
        return [f"there is no result {row.result}"]
    if result["reach"].get(row.key) != {row.kind: row.bound}:
        return [f"{row.key} has another reach than the table: {result['reach'].get(row.key)}"]
    return missed(result["measured"], {row.key: {row.kind: row.bound}})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.result}-{row.key}")
def test_every_promised_figure_is_there_and_reached(row: Row) -> None:
    assert wrong(row, results()) == []


def test_nothing_is_stored_that_the_table_does_not_know() -> None:
    promised = {(row.result, row.key) for row in ROWS}
    assert {(name, key) for name, result in results().items() for key in result["reach"]} == promised


def test_every_result_says_on_what_machine_it_was_measured() -> None:
    for name, result in results().items():
        assert result["name"] == name
        assert set(result["machine"]) == {"cpu", "cores", "python"}


def test_the_page_shows_the_results() -> None:
    assert PAGE.read_text() == page(results()), "run make bench"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.result}-{row.key}")
def test_the_check_sees_a_missing_a_short_and_a_softened_figure(row: Row) -> None:
    missing, short, softened, unmeasured = (copy.deepcopy(results()) for _ in range(4))
    del missing[row.result]
    short[row.result]["measured"][row.key] = row.bound + (-1 if row.kind == "at_least" else 1)
    softened[row.result]["reach"][row.key] = {row.kind: row.bound + (-1 if row.kind == "at_least" else 1)}
    del unmeasured[row.result]["measured"][row.key]
    assert all(wrong(row, broken) for broken in (missing, short, softened, unmeasured))
