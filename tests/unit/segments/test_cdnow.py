"""A real shop: 2,357 customers and 6,919 purchases of CDNOW, asked who spent 100 or more and then stayed away.

Days are shifted so that the last day of the sample is today in Dhaka; a purchase happens at noon of its day there.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from meghdoot.adapters.lake.lines import customer_line, person_of
from meghdoot.areas.segments.days import milliseconds
from meghdoot.areas.segments.person import Purchase, daily
from meghdoot.areas.segments.plan import Context
from meghdoot.areas.segments.predicate import compile_predicate
from meghdoot.areas.segments.resolve import plan
from meghdoot.areas.segments.sql import Statement, where
from tests.unit.segments.people import Views

ZONE = "Asia/Dhaka"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "data" / "cdnow_sample.csv"
LAPSED = {
    "conditions": [
        {"field": "customer_lifetime_value", "operator": "greater_or_equal", "value": 100},
        {"field": "last_purchase_date", "operator": "not_within_days", "value": 90},
    ],
    "logic": "AND",
}

Orders = dict[str, list[tuple[date, int]]]


@pytest.fixture(scope="module")
def orders() -> Orders:
    shift = NOW.astimezone(ZoneInfo(ZONE)).date() - date(1998, 6, 30)
    orders: Orders = defaultdict(list)
    with SAMPLE.open(newline="") as lines:
        for row in csv.DictReader(lines):
            orders[row["id"]].append((date.fromisoformat(row["date"]) + shift, int(Decimal(row["usd"]) * 100)))
    return orders


@pytest.fixture(scope="module")
def purchases(orders: Orders) -> dict[str, list[Purchase]]:
    noon = time(12, tzinfo=ZoneInfo(ZONE))
    return {
        customer: [Purchase(milliseconds(datetime.combine(day, noon)), minor, "BDT") for day, minor in own]
        for customer, own in orders.items()
    }


def test_the_sample_is_whole(orders: Orders) -> None:
    assert (len(orders), sum(len(own) for own in orders.values())) == (2357, 6919)


def test_a_plain_loop_counts_387(orders: Orders) -> None:
    today = NOW.astimezone(ZoneInfo(ZONE)).date()
    lapsed = [c for c, own in orders.items() if sum(m for _, m in own) >= 100_00 and (today - max(own)[0]).days > 90]
    assert len(lapsed) == 387


def line(customer: str) -> dict[str, object]:
    return customer_line({"id": customer, "created_at": "2024-01-01T00:00:00Z"}, 1)


def test_the_predicate_counts_387(purchases: dict[str, list[Purchase]]) -> None:
    context = Context.of(NOW, ZONE, "BDT")
    predicate = compile_predicate(plan(LAPSED, context), context)
    people = (person_of(line(c), daily(own, ZONE, "BDT"), ZONE) for c, own in purchases.items())
    assert sum(map(predicate, people)) == 387


def test_sql_counts_387(purchases: dict[str, list[Purchase]], tmp_path: Path) -> None:
    views = Views(tmp_path)
    events = [
        {"id": f"{c}-{n}", "customer_id": c, "type": "purchase", "at_ms": p.at_ms, "amount_minor": p.minor,
         "currency": p.currency, "order_id": None}
        for c, own in purchases.items() for n, p in enumerate(own)
    ]  # fmt: skip
    views.fill([line(c) for c in purchases], events)
    context = Context.of(NOW, ZONE, "BDT")
    statement = Statement(context)
    condition = where(plan(LAPSED, context), statement)
    assert len(views.ids(f"SELECT c.id FROM {statement.relation()} WHERE {condition}", statement.parameters)) == 387
