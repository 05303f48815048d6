"""What people may write as criteria, and how what is wrong is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from meghdoot.adapters.lake.lines import customer_line
from meghdoot.areas.segments.criteria import MAX_CONDITIONS, MAX_DEPTH
from meghdoot.areas.segments.person import Daily, Person
from meghdoot.areas.segments.plan import Context
from meghdoot.areas.segments.predicate import compile_predicate
from meghdoot.areas.segments.resolve import plan
from meghdoot.areas.segments.sql import Statement, where
from meghdoot.kernel.errors import Invalid
from tests.unit.segments.people import Views

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTEXT = Context.of(NOW, "Asia/Dhaka", "BDT")
TODAY = date(2026, 3, 1).toordinal()


def leaf(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value, **more}


def tree(*conditions: Any, logic: str = "AND") -> dict[str, Any]:
    return {"conditions": list(conditions), "logic": logic}


def holds(person: Person, *conditions: Any, logic: str = "AND") -> bool:
    return compile_predicate(plan(tree(*conditions, logic=logic), CONTEXT), CONTEXT)(person)


def bought(*days_ago: int, minor: int = 1000) -> Person:
    return Person("c", purchases=tuple(Daily(TODAY - n, 1, 1, minor) for n in sorted(days_ago, reverse=True)))


def refused(raw: Any) -> tuple[str, str]:
    with pytest.raises(Invalid) as e:
        plan(raw, CONTEXT)
    return e.value.fields[0].field, e.value.fields[0].code


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = tree(leaf("city", "equals", "Dhaka"))
    for _ in range(depth - 1):
        node = tree(node)
    return node


def test_008_a_tree_nests_twenty_levels_and_no_more() -> None:
    plan(nested(MAX_DEPTH), CONTEXT)
    assert refused(nested(MAX_DEPTH + 1))[1] == "too_deep"


def test_008_ten_thousand_levels_are_refused_without_recursion() -> None:
    assert refused(nested(10_000))[1] == "too_deep"


def test_008_a_tree_holds_five_hundred_conditions_and_no_more() -> None:
    one = leaf("city", "equals", "Dhaka")
    plan(tree(*[one] * MAX_CONDITIONS), CONTEXT)
    assert refused(tree(*[one] * (MAX_CONDITIONS + 1))) == ("criteria", "too_many_conditions")
    wide = tree(*[tree(*[one] * 100)] * 6)
    assert refused(wide) == ("criteria", "too_many_conditions")


def test_008_the_largest_tree_that_is_taken_can_be_read_by_both_readers(tmp_path: Path) -> None:
    widest = tree(*[leaf(f"attributes.a{n}", "not_equals", "x") for n in range(MAX_CONDITIONS)])
    deepest = nested(MAX_DEPTH)
    views = Views(tmp_path)
    views.fill([customer_line({"id": "c", "city": "Dhaka", "created_at": "2026-01-01T00:00:00Z"}, 1)], [])
    for raw in (widest, deepest):
        node, statement = plan(raw, CONTEXT), Statement(CONTEXT)
        assert compile_predicate(node, CONTEXT)(Person("c", city="Dhaka"))
        condition = where(node, statement)
        assert views.ids(f"SELECT c.id FROM {statement.relation()} WHERE {condition}", statement.parameters) == ["c"]


@pytest.mark.parametrize("text", [".*", "(a+)+$", "%", "_", "[a-z]", "' OR 1=1 --", "{{7*7}}"])
def test_008_what_looks_like_a_pattern_is_plain_text(text: str) -> None:
    assert holds(Person("c", city=f"x{text}y"), leaf("city", "contains", text))
    assert not holds(Person("c", city="Dhaka aaa"), leaf("city", "contains", text))


@pytest.mark.parametrize(
    ("raw", "path", "code"),
    [
        (None, "criteria", "model_type"),
        ({"conditions": []}, "criteria.conditions", "too_short"),
        (tree(leaf("shoe_size", "equals", 1)), "criteria.conditions.0.field", "unknown_field"),
        (tree(leaf("attributes.a b", "equals", 1)), "criteria.conditions.0.field", "unknown_field"),
        (tree(leaf("attributes.", "exists")), "criteria.conditions.0.field", "unknown_field"),
        (tree(leaf("city", "matches", "x")), "criteria.conditions.0.operator", "literal_error"),
        (tree(leaf("city", "greater_than", "x")), "criteria.conditions.0.operator", "wrong_operator"),
        (tree(leaf("is_active", "exists")), "criteria.conditions.0.operator", "wrong_operator"),
        (tree(leaf("city", "equals", "a"), logic="XOR"), "criteria.logic", "literal_error"),
        (tree(leaf("city", "equals", "a", extra=1)), "criteria.conditions.0.extra", "extra_forbidden"),
        (tree(leaf("city", "equals", "a", within_days=3)), "criteria.conditions.0.within_days", "not_allowed"),
        (tree(leaf("city", "equals", 3)), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("city", "equals", "")), "criteria.conditions.0.value", "wrong_length"),
        (tree(leaf("city", "equals", "a\x00b")), "criteria.conditions.0.value", "forbidden_characters"),
        (tree(leaf("city", "equals", {"a": 1})), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("city", "in", "Dhaka")), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("city", "in", [])), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("city", "in", ["a", 7])), "criteria.conditions.0.value.1", "wrong_type"),
        (tree(leaf("city", "exists", "a")), "criteria.conditions.0.value", "not_allowed"),
        (tree(leaf("is_active", "equals", 1)), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("purchase_count", "equals", True)), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("purchase_count", "equals", 1.5)), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("customer_lifetime_value", "equals", 0.1 + 0.2)), "criteria.conditions.0.value", "not_an_amount"),
        (tree(leaf("customer_lifetime_value", "equals", "NaN")), "criteria.conditions.0.value", "not_an_amount"),
        (tree(leaf("customer_lifetime_value", "equals", float("inf"))), "criteria.conditions.0.value", "not_an_amount"),
        (tree(leaf("avg_order_value", "between", [5, 1])), "criteria.conditions.0.value", "wrong_order"),
        (tree(leaf("age", "equals", -1)), "criteria.conditions.0.value", "out_of_range"),
        (tree(leaf("birth_date", "before", "2026-02-30")), "criteria.conditions.0.value", "not_a_date"),
        (tree(leaf("last_purchase_date", "within_days", -1)), "criteria.conditions.0.value", "out_of_range"),
        (tree(leaf("last_purchase_date", "within_days", "90")), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("attributes.x", "greater_than", "tall")), "criteria.conditions.0.value", "wrong_type"),
        (tree(leaf("attributes.x", "equals", float("nan"))), "criteria.conditions.0.value", "out_of_range"),
        (tree(tree(leaf("city", "in", [1]))), "criteria.conditions.0.conditions.0.value.0", "wrong_type"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(raw: Any, path: str, code: str) -> None:
    assert refused(raw) == (path, code)


def test_day_n_is_inside_within_n_days() -> None:
    within = leaf("last_purchase_date", "within_days", 90)
    assert holds(bought(90), within)
    assert not holds(bought(91), within)


def test_not_within_days_includes_those_who_never_bought() -> None:
    quiet = leaf("last_purchase_date", "not_within_days", 90)
    assert holds(Person("c"), quiet)
    assert holds(bought(91), quiet)
    assert not holds(bought(400, 90), quiet)


def test_a_sum_can_be_bounded_to_the_last_days() -> None:
    person = bought(10, 100, 300)
    assert holds(person, leaf("customer_lifetime_value", "equals", 30))
    assert holds(person, leaf("customer_lifetime_value", "equals", 20, within_days=100))
    assert holds(person, leaf("customer_lifetime_value", "equals", 10, within_days=99))


def test_a_purchase_of_tomorrow_does_not_count_yet() -> None:
    assert holds(bought(-1), leaf("purchase_count", "equals", 0))


def test_an_average_is_compared_exactly_and_exists_only_for_buyers() -> None:
    thirds = Person("c", purchases=(Daily(TODAY, 3, 3, 1000),))
    assert holds(thirds, leaf("avg_order_value", "greater_than", "3.33"))
    assert holds(thirds, leaf("avg_order_value", "less_than", "3.34"))
    assert not holds(Person("c"), leaf("avg_order_value", "exists"))
    assert not holds(Person("c"), leaf("avg_order_value", "less_than", 5))


def test_who_was_born_on_29_february_is_older_on_1_march() -> None:
    born = Person("c", birth_day=date(2004, 2, 29).toordinal())
    eve = Context.of(datetime(2026, 2, 28, 6, 0, tzinfo=UTC), "Asia/Dhaka", "BDT")
    raw = tree(leaf("age", "equals", 22))
    assert compile_predicate(plan(raw, CONTEXT), CONTEXT)(born)
    assert not compile_predicate(plan(raw, eve), eve)(born)


def test_negative_operators_are_exact_opposites_and_hold_for_people_without_a_value() -> None:
    assert holds(Person("c"), leaf("city", "not_equals", "Dhaka"))
    assert holds(Person("c"), leaf("tags", "not_in", ["vip"]))
    assert not holds(Person("c", tags=frozenset({"vip", "new"})), leaf("tags", "not_in", ["vip"]))


def test_a_stored_value_of_another_type_is_as_if_absent() -> None:
    assert not holds(Person("c", attributes={"tier": "3"}), leaf("attributes.tier", "greater_than", 2))
    assert not holds(Person("c", attributes={"tier": True}), leaf("attributes.tier", "equals", 1))
    assert holds(Person("c", attributes={"tier": "2026-02-28"}), leaf("attributes.tier", "before", "2026-03-01"))


def test_a_predicate_declares_what_it_reads() -> None:
    raw = tree(leaf("city", "exists"), leaf("purchase_count", "greater_than", 1, within_days=30))
    needs = compile_predicate(plan(raw, CONTEXT), CONTEXT).needs
    assert (needs.columns, needs.purchases, needs.purchases_since) == ({"city"}, True, TODAY - 30)
    unbounded = tree(*raw["conditions"], leaf("total_orders", "greater_than", 1))
    assert compile_predicate(plan(unbounded, CONTEXT), CONTEXT).needs.purchases_since is None
