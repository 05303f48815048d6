"""SQL and predicate are written from one plan; on random trees and random people they say the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meghdoot.adapters.lake.lines import customer_line, person_of
from meghdoot.areas.segments.days import instant
from meghdoot.areas.segments.person import Purchase, daily
from meghdoot.areas.segments.plan import Context
from meghdoot.areas.segments.predicate import compile_predicate
from meghdoot.areas.segments.resolve import plan
from meghdoot.areas.segments.sql import Statement, where
from tests.unit.segments.people import DOCUMENTS, PURCHASES, TREES, ZONES, Views

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Views:
    return Views(tmp_path_factory.mktemp("views"))


def lines_of(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        customer_line({**d, "id": f"c{i}", "created_at": instant(d["created"]).isoformat()}, 1)
        for i, d in enumerate(documents)
    ]


def events_of(purchases: list[list[tuple[int, int | None, str]]]) -> list[dict[str, Any]]:
    return [
        {"id": f"e{i}-{n}", "customer_id": f"c{i}", "type": "purchase", "at_ms": at, "amount_minor": minor,
         "currency": None if minor is None else currency, "order_id": None}
        for i, orders in enumerate(purchases) for n, (at, minor, currency) in enumerate(orders)
    ]  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    trees=st.lists(TREES, min_size=1, max_size=3),
    people=st.lists(st.tuples(DOCUMENTS, PURCHASES), min_size=1, max_size=4),
    zone=st.sampled_from(ZONES),
)
def test_sql_and_predicate_agree(
    views: Views, trees: list[dict[str, Any]], people: list[tuple[Any, Any]], zone: str
) -> None:
    # Given people with missing, empty and wrongly typed values, and purchases at the edges of days
    lines, events = lines_of([d for d, _ in people]), events_of([p for _, p in people])
    views.fill(lines, events)
    persons = [
        person_of(line, daily((Purchase(*p) for p in orders), zone, "BDT"), zone)
        for line, (_, orders) in zip(lines, people, strict=True)
    ]
    for tree in trees:
        # When the same criteria are asked both ways
        context = Context.of(NOW, zone, "BDT")
        node = plan(tree, context)
        predicate, statement = compile_predicate(node, context), Statement(context)
        condition = where(node, statement)
        by_sql = views.ids(f"SELECT c.id FROM {statement.relation()} WHERE {condition}", statement.parameters)
        # Then both name the same people
        assert sorted(by_sql) == sorted(p.id for p in persons if predicate(p)), (tree, condition, predicate.source)


def test_both_leave_amounts_of_another_currency_out_of_sum_and_average_but_not_out_of_the_count(views: Views) -> None:
    noon = 1772366400000
    orders = [(noon, 1000, "BDT"), (noon, 2000, "BDT"), (noon, 99_999, "USD"), (noon, None, "BDT")]
    (line,) = lines_of([{"created": noon}])
    views.fill([line], events_of([orders]))
    person = person_of(line, daily((Purchase(*o) for o in orders), "UTC", "BDT"), "UTC")
    context = Context.of(NOW, "UTC", "BDT")
    for field, value in (("purchase_count", 4), ("customer_lifetime_value", 30), ("avg_order_value", 15)):
        node = plan({"conditions": [{"field": field, "operator": "equals", "value": value}]}, context)
        statement = Statement(context)
        condition = where(node, statement)
        assert compile_predicate(node, context)(person), field
        assert views.ids(f"SELECT c.id FROM {statement.relation()} WHERE {condition}", statement.parameters), field
