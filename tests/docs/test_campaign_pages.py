"""The pages on states and metrics say what the code does."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from meghdoot.areas.analytics import rules
from meghdoot.areas.campaigns.rules import return_on_investment
from meghdoot.areas.campaigns.transitions import (
    CAMPAIGN_ACTS,
    CAMPAIGN_STATES,
    CAMPAIGN_TABLE,
    EMAIL_ACTS,
    EMAIL_STATES,
    EMAIL_TABLE,
    table_as_text,
)
from meghdoot.kernel.money import Money, ratio

DOCS = Path(__file__).resolve().parents[2] / "docs"
STATES = (DOCS / "explanation" / "campaign-states.md").read_text()
METRICS = (DOCS / "reference" / "metrics.md").read_text()
EXAMPLES = re.findall(r"\| `([a-z_\[\].]+)` .*\| (\(?[0-9.]+.*) = ([0-9.]+) \|", METRICS)


def test_the_page_of_states_holds_both_tables_as_they_are() -> None:
    assert table_as_text(CAMPAIGN_TABLE, CAMPAIGN_STATES, CAMPAIGN_ACTS) in STATES
    assert table_as_text(EMAIL_TABLE, EMAIL_STATES, EMAIL_ACTS) in STATES


def test_the_page_of_metrics_has_an_example_for_every_rate() -> None:
    assert len(EXAMPLES) == 12


@pytest.mark.parametrize(("name", "formula", "result"), EXAMPLES)
def test_every_example_of_a_metric_is_what_the_code_computes(name: str, formula: str, result: str) -> None:
    numbers = [Decimal(n) for n in re.findall(r"[0-9]+(?:\.[0-9]+)?", formula)]
    if name in ("revenue_per_email", "cost_per_acquisition"):
        assert str(rules.share(Money.of(numbers[0], "BDT"), int(numbers[1])).decimal()) == result
    elif name.endswith("roi"):
        assert return_on_investment(int(numbers[0]), int(numbers[1])) == float(result)
    else:
        assert ratio(int(numbers[0]), int(numbers[1])) == float(result)
