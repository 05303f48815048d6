"""A plan as DuckDB SQL over the views `customers` and `purchases`. Every value is a parameter, no text of a user is SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from meghdoot.areas.segments.days import day_start
from meghdoot.areas.segments.plan import (
    COLUMNS,
    Attribute,
    Between,
    Check,
    Column,
    Contains,
    Context,
    Every,
    Exists,
    Leaf,
    OneOf,
    PlanNode,
    Purchases,
    Source,
    StartsWith,
)

ATTRIBUTE_COLUMNS = {"text": "attr_text", "number": "attr_number", "boolean": "attr_boolean", "date": "attr_day"}
_INSTANTS = frozenset({"created_day"})


@dataclass
class Statement:
    """A condition under construction: its parameters, and the aggregates of purchases that it needs by their alias.

    A `ranged` statement looks only at customers from `$low` to before `$high`, which whoever runs it adds as parameters.
    """

    context: Context
    ranged: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    aggregates: dict[str, str] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """A new parameter for a value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def aggregate(self, measure: str, since: int | None) -> str:
        """The column of the purchase aggregate `p` for a measure; the same one is computed once."""
        alias = f"{measure}_{'all' if since is None else since}"
        if alias not in self.aggregates:
            self.aggregates[alias] = self._aggregate(measure, since)
        return f"p.{alias}"

    def _aggregate(self, measure: str, since: int | None) -> str:
        conditions = []
        if measure in ("sum", "priced"):
            conditions.append(f"currency = {self.bind(self.context.currency)} AND amount_minor IS NOT NULL")
        if since is not None:
            conditions.append(f"at_ms >= {self.bind(day_start(since, self.context.zone))}")
        functions = {"sum": "sum(amount_minor)", "first": "min(at_ms)", "last": "max(at_ms)"}
        function = functions.get(measure, "count(*)")
        return function + (f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else "")

    def purchases(self) -> str:
        """The aggregate as a relation `p`: purchases up to the end of today, one row a customer."""
        end = self.bind(day_start(self.context.today + 1, self.context.zone))
        columns = "".join(f", {sql} AS {alias}" for alias, sql in self.aggregates.items())
        near = " AND customer_id >= $low AND customer_id < $high" if self.ranged else ""
        return f"SELECT customer_id{columns} FROM purchases WHERE at_ms < {end}{near} GROUP BY customer_id"  # noqa: S608 - names are ours, values are bound

    def relation(self) -> str:
        """`customers` as `c`, with `p` beside it where it is needed."""
        if not self.aggregates:
            return "customers c"
        return f"customers c LEFT JOIN ({self.purchases()}) p ON p.customer_id = c.id"


def where(node: PlanNode, statement: Statement) -> str:
    """The plan as a boolean expression that is never NULL."""
    if isinstance(node, Leaf):
        expression = f"coalesce({_leaf(node.source, node.check, statement)}, false)"
        return f"NOT {expression}" if node.negated else expression
    word = " AND " if isinstance(node, Every) else " OR "
    return "(" + word.join(where(child, statement) for child in node.nodes) + ")"


def _leaf(source: Source, check: Check, statement: Statement) -> str:
    if isinstance(source, Purchases):
        return _purchases(source, check, statement)
    if isinstance(source, Attribute):
        return _attribute(source, check, statement)
    kind = COLUMNS[source.name]
    if kind == "tags":
        return _tags(check, statement)
    if kind == "instant":
        return _instants(f"c.{_instant_name(source)}", check, statement)
    return _value(f"c.{source.name}", check, statement)


def _instant_name(column: Column) -> str:
    return column.name.replace("_day", "_ms")


def _tags(check: Check, statement: Statement) -> str:
    if isinstance(check, OneOf):
        return f"list_has_any(c.tags, {statement.bind(list(check.values))}::VARCHAR[])"
    return "len(c.tags) > 0"


def _attribute(source: Attribute, check: Check, statement: Statement) -> str:
    name = statement.bind(source.name)
    if source.kind is None:
        return (
            "(" + " OR ".join(f"c.{c}[{name}] IS NOT NULL" for c in ("attr_text", "attr_number", "attr_boolean")) + ")"
        )
    return _value(f"c.{ATTRIBUTE_COLUMNS[source.kind]}[{name}]", check, statement)


def _purchases(source: Purchases, check: Check, statement: Statement) -> str:
    if source.measure in ("first", "last"):
        return _instants(statement.aggregate(source.measure, source.since), check, statement)
    if source.measure == "average":
        return _average(source, check, statement)
    return _value(f"coalesce({statement.aggregate(source.measure, source.since)}, 0)", check, statement)


def _average(source: Purchases, check: Check, statement: Statement) -> str:
    # Sum against bound times count: exact, where a division would round.
    total, count = statement.aggregate("sum", source.since), statement.aggregate("priced", source.since)
    parts = [f"{count} > 0"]
    if isinstance(check, Between):
        parts += _bounds(total, check, statement, times=f" * {count}")
    return "(" + " AND ".join(parts) + ")"


def _instants(column: str, check: Check, statement: Statement) -> str:
    """Days of an instant: from the beginning of the first to before the beginning of the day after the last."""
    parts = [f"{column} IS NOT NULL"]
    if isinstance(check, Between):
        zone = statement.context.zone
        if check.low is not None:
            parts.append(f"{column} >= {statement.bind(day_start(int(check.low), zone))}")
        if check.high is not None:
            parts.append(f"{column} < {statement.bind(day_start(int(check.high) + 1, zone))}")
    return "(" + " AND ".join(parts) + ")"


def _value(column: str, check: Check, statement: Statement) -> str:
    if isinstance(check, OneOf):
        if len(check.values) == 1:
            return f"{column} = {statement.bind(check.values[0])}"
        return f"list_contains({statement.bind(list(check.values))}::VARCHAR[], {column})"
    if isinstance(check, Contains):
        return f"contains({column}, {statement.bind(check.text)})"
    if isinstance(check, StartsWith):
        return f"starts_with({column}, {statement.bind(check.text)})"
    if isinstance(check, Exists):
        return f"{column} IS NOT NULL"
    return "(" + " AND ".join([f"{column} IS NOT NULL", *_bounds(column, check, statement)]) + ")"


def _bounds(column: str, check: Between, statement: Statement, times: str = "") -> list[str]:
    parts = []
    if check.low is not None:
        parts.append(f"{column} {'>' if check.low_open else '>='} {statement.bind(check.low)}{times}")
    if check.high is not None:
        parts.append(f"{column} {'<' if check.high_open else '<='} {statement.bind(check.high)}{times}")
    return parts
