"""The page of costs shows what was measured, and every price says where it comes from."""

from __future__ import annotations

from tests.bench.costs_page import PAGE, page
from tests.bench.prices import PRICES, Line, by_part, lambda_lines, total
from tests.bench.table import results


def test_the_page_of_costs_shows_the_results() -> None:
    stored = results()
    assert PAGE.read_text() == page(stored["million"]["measured"], stored["idle"]["measured"]), "run make bench"


def test_the_lines_add_up_to_the_sums() -> None:
    measured = results()["million"]["measured"]
    for way, lines in measured["lines"].items():
        assert abs(sum(line[3] for line in lines) - measured[f"dollars_{way}"]) < 0.01
        assert abs(sum(measured["parts"][way].values()) - measured[f"dollars_{way}"]) < 0.01


def test_each_price_says_for_how_many_and_where_it_was_seen() -> None:
    assert all(p.dollars > 0 and p.per >= 1 and len(p.source) > 10 and len(p.thing) > 5 for p in PRICES.values())
    assert Line("x", "write_unit", 1_000_000, "").dollars == 0.625
    made = lambda_lines("f", 1_000_000, 100, 1024, "")
    assert round(total(made), 2) == round(0.20 + 100_000 * 0.0000133334, 2)
    assert by_part(made) == {"f": total(made)}
