"""Counts and dollars of a million people, from a metered run of ten thousand through the functions' own handlers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.bench import costs_page
from tests.bench import metered_run as run
from tests.bench.million import ASSUMED, BOUNCED, CLICKED, OPENED, Measured, lines_of, send_side, topic_batch
from tests.bench.prices import PRICES, Line, by_part, total
from tests.bench.results_file import keep
from tests.bench.table import results

PEOPLE = 10_000
COUNTS = {
    "write_units": 1_200_000,
    "write_units_with_rows": 2_300_000,
    "sqs_requests": 12_000,
    "invocations": 2_200,
}
WAYS = {
    "by_topic": ("sns", "url"),
    "by_firehose": ("firehose", "url"),
    "by_topic_and_api": ("sns", "api"),
    "by_firehose_and_api": ("firehose", "api"),
}
"""Deliveries and pixels by the template's switches DeliveryEvents and TrackingBy."""
REACH = {name: {"at_most": most} for name, most in COUNTS.items()} | {
    "dollars_by_topic": {"at_most": 3.00},
    "dollars_by_firehose": {"at_most": 2.20},
}


@pytest.mark.bench
def test_a_million_people_cost_so_many_units_and_so_many_dollars(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    measured = measure(monkeypatch, capsys, caplog)
    ways = {name: lines_of(measured, *switches) for name, switches in WAYS.items()}
    figures: dict[str, Any] = {
        "people_measured": PEOPLE,
        **send_side(measured),
        **{f"dollars_{way}": round(total(lines), 4) for way, lines in ways.items()},
        "event_bytes": measured.event_bytes,
        "parts": {way: {part: round(d, 4) for part, d in by_part(lines).items()} for way, lines in ways.items()},
        "lines": {way: [told(line) for line in merged(lines)] for way, lines in ways.items()},
        "assumed": {name: list(value) for name, value in ASSUMED.items()},
    }
    with capsys.disabled():
        keep("million", figures, REACH)
        costs_page.write(results())


def measure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Measured:
    """One run by topic; then its deliveries once more, by files, over the same rows unborn."""
    with run.deployed(monkeypatch, capsys, caplog) as house:
        run.plan(house, monkeypatch, PEOPLE)
        run.send(house)
        run.check(house)
        mails = house.provider.mails
        assert len({mail.to for mail in mails}) == PEOPLE
        lost = round(PEOPLE * BOUNCED)
        before = len(house.records)
        events = [run.delivered(mail) for mail in mails[lost:]]
        run.hear(house, "receipts", events, round(topic_batch(1_000_000)))
        # Bad news is a small part of large batches, so that the watermark of its batch is not its own.
        run.hear(house, "bounces", [run.bounced(mail) for mail in mails[:lost]], 100)
        run.hear(house, "complaints", [run.complained(mail) for mail in mails[-(lost // 10) :]], 120)
        reported = len(house.records)
        run.visits(house, "opens", [run.links(mail).pixel_url for mail in mails[lost : lost + round(PEOPLE * OPENED)]])
        run.visits(
            house, "clicks", [run.links(m).click_base + "1" for m in mails[lost : lost + round(PEOPLE * CLICKED)]]
        )
        run.stream(house, "run", house.records[before:reported], 500)
        run.stream(house, "touches", house.records[reported:], 50)
        for mail in mails[lost:]:
            house.meter.dynamo.forget("w-activity", f"{run.TENANT}#C#{mail.tags['customer']}")
        run.take_files(house, events, 2_500)
        sizes = len(json.dumps(events[0])), len(run.by_topic(events[0]))
        return Measured(PEOPLE, dict(house.phases), *sizes)


def merged(lines: list[Line]) -> list[Line]:
    """One line for each part and price, the dearest first."""
    found: dict[tuple[str, str], Line] = {}
    for line in lines:
        known = found.get((line.part, line.price))
        found[line.part, line.price] = line if known is None else replace(known, count=known.count + line.count)
    return sorted(found.values(), key=lambda line: -line.dollars)


def told(line: Line) -> list[Any]:
    """A line as it is stored: part, thing, count, dollars."""
    return [line.part, PRICES[line.price].thing, round(line.count, 3), round(line.dollars, 4)]
