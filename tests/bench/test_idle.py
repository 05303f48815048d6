"""Dollars a month of a stack that nobody uses."""

from __future__ import annotations

import json

import pytest

from tests.bench import costs_page, idle
from tests.bench import metered_run as run
from tests.bench.prices import PRICES, by_part, total
from tests.bench.results_file import keep
from tests.bench.table import results
from tests.support.templates import functions, template

TARGET = 5.0
REACH = {"dollars_a_month": {"at_most": 10}, "dollars_a_month_by_firehose": {"at_most": 10}}


@pytest.mark.bench
def test_a_stack_that_nobody_uses_costs_little(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from ticker.app import handler as tick

    with run.deployed(monkeypatch, capsys, caplog) as house:
        tick({}, run.wired.Context())  # type: ignore[arg-type]  # the first one catches up
        house.clock.advance(seconds=60)
        house.phase("tick", [lambda: tick({}, run.wired.Context())])  # type: ignore[arg-type]
    phase, quiet = house.phases["tick"], functions(template())["TickerFunction"]["LoggingConfig"].get("SystemLogLevel")
    size = phase.log_bytes + (0 if quiet == "WARN" else run_bytes())
    ways = {
        "dollars_a_month": idle.lines_of(template(), phase.usage, size, firehose=False),
        "dollars_a_month_by_firehose": idle.lines_of(template(), phase.usage, size, firehose=True),
    }
    figures = {name: round(total(lines), 2) for name, lines in ways.items()}
    lines = [
        [line.part, PRICES[line.price].thing, round(line.count, 1), round(line.dollars, 3), line.basis]
        for line in ways["dollars_a_month"]
    ]
    parts = {part: round(dollars, 3) for part, dollars in by_part(ways["dollars_a_month"]).items()}
    with capsys.disabled():
        print(json.dumps(parts))
        keep("idle", figures | {"target": TARGET, "parts": parts, "lines": lines}, REACH)
        costs_page.write(results())


def run_bytes() -> float:
    """What Lambda logs of an invocation itself."""
    from tests.bench.million import assumed

    return assumed("platform_lines")
