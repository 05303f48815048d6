"""A plan as Python source for one person, compiled. No value is ever source text: values are named constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from meghdoot.areas.segments.person import Daily, Person, as_boolean, as_day, as_number, as_text
from meghdoot.areas.segments.plan import (
    COLUMNS,
    Attribute,
    Between,
    Check,
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
    leaves,
)

_READERS: dict[str, Callable[[object], Any]] = {
    "text": as_text, "number": as_number, "boolean": as_boolean, "date": as_day,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Needs:
    """What a predicate reads, so that a caller loads no more.

    `purchases_since` is the first day whose purchases matter; None with `purchases` means all of them.
    """

    columns: frozenset[str]
    attributes: frozenset[str]
    purchases: bool
    purchases_since: int | None


@dataclass(frozen=True, slots=True)
class Predicate:
    """`predicate(person)` says whether the person meets the criteria. `source` is there to be read in a debugger."""

    source: str
    needs: Needs
    call: Callable[[Person], bool]

    def __call__(self, person: Person) -> bool:
        return self.call(person)


def compile_predicate(node: PlanNode, context: Context) -> Predicate:
    """The predicate of a plan."""
    writer = _Writer(context.today)
    expression = writer.node(node)
    lines = ["def matches(person):", *(f"    {line}" for line in writer.prelude), f"    return {expression}"]
    source = "\n".join(lines) + "\n"
    names: dict[str, Any] = dict(writer.constants)
    exec(compile(source, "<criteria>", "exec"), names)  # noqa: S102 - the source is ours; values are constants beside it
    return Predicate(source, needs(node), names["matches"])


def needs(node: PlanNode) -> Needs:
    """What a plan reads of a person."""
    sources = [leaf.source for leaf in leaves(node)]
    purchases = [s for s in sources if isinstance(s, Purchases)]
    bounded = [s.since for s in purchases if s.since is not None]
    return Needs(
        frozenset(s.name for s in sources if not isinstance(s, Attribute | Purchases)),
        frozenset(s.name for s in sources if isinstance(s, Attribute)),
        bool(purchases),
        min(bounded) if bounded and len(bounded) == len(purchases) else None,
    )


def sums(days: Sequence[Daily], since: int | None, until: int) -> tuple[int, int, int, int | None, int | None]:
    """Purchases, those with an amount, the amount in minor units, first and last day; all inclusive."""
    inside = [d for d in days if d.day <= until and (since is None or d.day >= since)]
    if not inside:
        return 0, 0, 0, None, None
    count = sum(d.orders for d in inside)
    return count, sum(d.priced for d in inside), sum(d.minor for d in inside), inside[0].day, inside[-1].day


class _Writer:
    def __init__(self, today: int) -> None:
        self.constants: dict[str, Any] = {"sums": sums, "today": today}
        self.prelude: list[str] = []
        self._aggregates: dict[int | None, str] = {}
        self._locals = 0

    def constant(self, value: Any) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def _local(self, expression: str) -> str:
        self._locals += 1
        name = f"v{self._locals}"
        self.prelude.append(f"{name} = {expression}")
        return name

    def node(self, node: PlanNode) -> str:
        if isinstance(node, Leaf):
            expression = f"({self._leaf(node.source, node.check)})"
            return f"(not {expression})" if node.negated else expression
        word = " and " if isinstance(node, Every) else " or "
        return "(" + word.join(self.node(child) for child in node.nodes) + ")"

    def _leaf(self, source: Source, check: Check) -> str:
        if isinstance(source, Purchases):
            return self._purchases(source, check)
        if isinstance(source, Attribute):
            raw = f"person.attributes.get({self.constant(source.name)})"
            if source.kind is None:
                return f"{raw} is not None"
            return self._value(self._local(f"{self.constant(_READERS[source.kind])}({raw})"), check)
        if COLUMNS[source.name] == "tags":
            return self._tags(check)
        return self._value(self._local(f"person.{source.name}"), check)

    def _tags(self, check: Check) -> str:
        if isinstance(check, OneOf):
            return f"not person.tags.isdisjoint({self.constant(frozenset(check.values))})"
        return "len(person.tags) > 0"

    def _purchases(self, source: Purchases, check: Check) -> str:
        if source.since not in self._aggregates:
            since = self.constant(source.since)
            self._aggregates[source.since] = self._local(f"sums(person.purchases, {since}, today)")
        whole = self._aggregates[source.since]
        if source.measure == "average":
            bounds = self._bounds(f"{whole}[2]", check, f" * {whole}[1]") if isinstance(check, Between) else []
            return " and ".join([f"{whole}[1] > 0", *bounds])
        return self._value(f"{whole}[{ {'count': 0, 'sum': 2, 'first': 3, 'last': 4}[source.measure] }]", check)

    def _value(self, value: str, check: Check) -> str:
        if isinstance(check, OneOf):
            return f"{value} in {self.constant(frozenset(check.values))}"
        if isinstance(check, Contains):
            return f"{value} is not None and {self.constant(check.text)} in {value}"
        if isinstance(check, StartsWith):
            return f"{value} is not None and {value}.startswith({self.constant(check.text)})"
        if isinstance(check, Exists):
            return f"{value} is not None"
        return " and ".join([f"{value} is not None", *self._bounds(value, check)])

    def _bounds(self, value: str, check: Between, times: str = "") -> list[str]:
        parts = []
        if check.low is not None:
            parts.append(f"{value} {'>' if check.low_open else '>='} {self.constant(check.low)}{times}")
        if check.high is not None:
            parts.append(f"{value} {'<' if check.high_open else '<='} {self.constant(check.high)}{times}")
        return parts
