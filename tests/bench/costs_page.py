"""The page of what things cost, written from the stored results of the benches and from the price table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.prices import PRICES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "costs.md"

_HEAD = """# Costs

What AWS asks for beside the provider's own price for mails, at list prices of us-east-1, without free tier and discounts.
The page is written by `make bench` from a metered run of ten thousand people through the functions' own handlers and from
the template; `make test` fails when it differs from the stored results. Prices and assumptions stand at the end: what is
not measured is named there.

"""
_WAYS = {
    "by_topic": "topic, own address",
    "by_firehose": "Firehose, own address",
    "by_topic_and_api": "topic, HTTP API",
    "by_firehose_and_api": "Firehose, HTTP API",
}


def page(million: dict[str, Any], idle: dict[str, Any]) -> str:
    """The page from the figures of both results."""
    return "".join((_HEAD, _million(million), _send_side(million), _idle(idle), _prices(), _assumed(million)))


def _million(m: dict[str, Any]) -> str:
    parts = sorted({part for way in _WAYS for part in m["parts"][way]}, key=lambda p: -_of(m, "by_topic_and_api", p))
    rows = [[part, *(f"{_of(m, way, part):.3f}" for way in _WAYS)] for part in parts]
    rows.append(["**sum**", *(f"**{m[f'dollars_{way}']:.2f}**" for way in _WAYS)])
    text = (
        "## A million people, in dollars\n\nOf whom 25% open, 3% click, 1% bounce and 0.1% complain. Deliveries come by topic "
        "and queue or by Firehose (`DeliveryEvents`); pixels and links by the function's own address or by the HTTP API "
        "(`TrackingBy`). The topic is counted at its worst reading: each message that it brings to the queue as a request of "
        "the queue, $0.40 of the sum, which the price page leaves open.\n\n"
    )
    text += _table(["part", *_WAYS.values()], rows)
    lines = [line for line in m["lines"]["by_topic_and_api"] if line[3] >= 0.001]
    text += "\nLine by line, by topic and HTTP API, from a tenth of a cent on:\n\n"
    return text + _table(
        ["part", "thing", "count", "dollars"], [[p, t, f"{c:,.0f}", f"{d:.4f}"] for p, t, c, d in lines]
    )


def _of(m: dict[str, Any], way: str, part: str) -> float:
    return float(m["parts"][way].get(part, 0.0))


def _send_side(m: dict[str, Any]) -> str:
    rows = [
        ["DynamoDB write units before deliveries", f"{m['write_units']:,}"],
        ["DynamoDB write units with the rows of deliveries", f"{m['write_units_with_rows']:,}"],
        ["SQS requests", f"{m['sqs_requests']:,}"],
        ["Lambda invocations", f"{m['invocations']:,}"],
        ["transitions of the run's machine, a run of 55 minutes", f"{m['transitions_55_minutes']:,}"],
        ["the same, a run of a day", f"{m['transitions_a_day']:,}"],
    ]
    return "\n## The send side of a million people, in counts\n\n" + _table(["", "count"], rows)


def _idle(idle: dict[str, Any]) -> str:
    rows = [
        [part, thing, f"{count:,.0f}", f"{dollars:.3f}", basis]
        for part, thing, count, dollars, basis in idle["lines"]
        if dollars
    ]
    text = "\n## A month in which nobody uses the stack, in dollars\n\n" + _table(
        ["part", "thing", "count", "dollars", "basis"], rows
    )
    return text + (
        f"\nTogether **{idle['dollars_a_month']:.2f}**, with deliveries by Firehose **{idle['dollars_a_month_by_firehose']:.2f}**.\n"
    )


def _prices() -> str:
    rows = [[p.thing, f"{p.dollars:g}", f"{p.per:,.0f}", p.source] for p in PRICES.values()]
    return "\n## Prices\n\n" + _table(["thing", "dollars", "for", "where the price was seen"], rows)


def _assumed(m: dict[str, Any]) -> str:
    rows = [[f"`{name}`", f"{value:g}", why] for name, (value, why) in m["assumed"].items()]
    return "\n## Assumptions\n\n" + _table(["name", "value", "why"], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def write(results: dict[str, dict[str, Any]]) -> None:
    """Write the page, once both results are there."""
    if {"million", "idle"} <= results.keys():
        PAGE.write_text(page(results["million"]["measured"], results["idle"]["measured"]))
