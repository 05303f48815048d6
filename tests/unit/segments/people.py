"""Random people and criteria, and the views that SQL reads, for tests of this area."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import strategies as st

from meghdoot.adapters.lake import schema

TODAY = "2026-03-01"
ZONES = ("Asia/Dhaka", "America/New_York", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu", "UTC")
# 2026-03-01 in milliseconds, with edges around midnights of every zone.
_NOON = 1772366400000
_HOUR = 3_600_000
_DAYS_AGO = st.sampled_from([2, 1, 0, 0, -1, -2, -29, -30, -31, -89, -90, -91, -200])
INSTANTS = st.builds(
    lambda days, hours, ms: _NOON + days * 24 * _HOUR + hours * _HOUR + ms,
    _DAYS_AGO, st.integers(-14, 14), st.sampled_from([-1, 0, 1]),
)  # fmt: skip
_WINDOWS = st.sampled_from([0, 1, 2, 29, 30, 31, 89, 90, 120])
WORDS = st.sampled_from(["Dhaka", "dhaka", "ঢাকা", "100%", "a_b", "aXb", "a", "%", "_", "", "'; DROP TABLE x; --", "gold", "2026-02-28"])  # fmt: skip
DAYS = st.sampled_from(
    ["2026-03-01", "2026-02-28", "2024-02-29", "2025-12-31", "2000-02-29", "2001-03-01", "1990-03-02"]
)
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 1.0, 2.25, -0.0]))
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["tier", "score"]), st.one_of(WORDS, DAYS, NUMBERS, st.booleans()), max_size=2
)

DOCUMENTS = st.fixed_dictionaries(
    {
        "language": st.sampled_from([None, "en", "bn"]),
        "city": st.none() | WORDS,
        "country": st.sampled_from([None, "BD", "IN"]),
        "gender": st.sampled_from([None, "female", "male"]),
        "zone": st.sampled_from([None, "Asia/Dhaka"]),
        "tags": st.lists(WORDS, max_size=3, unique=True),
        "is_active": st.booleans(),
        "email": st.sampled_from([None, "a@example.com"]),
        "phone": st.sampled_from([None, "+8801712345678"]),
        "birth_date": st.none() | DAYS | st.sampled_from(["2026-02-30", "soon"]),
        "created": INSTANTS,
        "attributes": ATTRIBUTES,
    }
)
PURCHASES = st.lists(
    st.tuples(INSTANTS, st.sampled_from([None, 0, 1, 999, 1000, 2550, -500]), st.sampled_from(["BDT", "BDT", "USD"])),
    max_size=5,
)

_TEXT_VALUE = WORDS.filter(bool)
_AMOUNT = st.sampled_from([0, 10, "9.99", 25.5, "20.00", -5])
_EXISTENCE = st.sampled_from([("exists", None), ("not_exists", None)])


def _pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.tuples(values, values).map(lambda pair: sorted(pair, key=float))


def _choice(operators: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.sampled_from(operators), values)


_IN = _choice(["in", "not_in"], st.lists(_TEXT_VALUE, min_size=1, max_size=3))
_TEXTS = _choice(["equals", "not_equals", "contains", "starts_with"], _TEXT_VALUE) | _IN
_WITHIN = _choice(["within_days", "not_within_days"], _WINDOWS)
_DATES = (
    _choice(["equals", "not_equals", "before", "after"], DAYS)
    | _WITHIN
    | _choice(["between"], st.tuples(DAYS, DAYS).map(sorted))
)
_RANGE = ["equals", "not_equals", "greater_than", "greater_or_equal", "less_than", "less_or_equal"]


def _ranges(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return _choice(_RANGE, values) | _choice(["between"], _pairs(values))


def _leaves(fields: list[str], tests: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda field, test: {"field": field, "operator": test[0], "value": test[1]}, st.sampled_from(fields), tests
    )


def _bounded(leaves: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda leaf, days: leaf | {"within_days": days}, leaves, st.none() | _WINDOWS)


LEAVES = st.one_of(
    _leaves(["city", "country", "language", "gender", "zone"], _TEXTS | _EXISTENCE),
    _leaves(["tags"], _choice(["contains"], _TEXT_VALUE) | _IN | _EXISTENCE),
    _leaves(["is_active", "has_email", "has_phone"], _choice(["equals", "not_equals"], st.booleans())),
    _leaves(["birth_date", "created_at", "first_purchase_date", "last_purchase_date"], _DATES | _EXISTENCE),
    _leaves(["age"], _ranges(st.integers(0, 40)) | _EXISTENCE),
    _bounded(_leaves(["purchase_count", "total_orders"], _ranges(st.integers(0, 4)))),
    _bounded(_leaves(["customer_lifetime_value"], _ranges(_AMOUNT))),
    _bounded(_leaves(["avg_order_value"], _ranges(_AMOUNT) | _EXISTENCE)),
    _leaves(["attributes.tier", "attributes.score"], _TEXTS | _EXISTENCE | _DATES | _ranges(NUMBERS)),
    _leaves(["attributes.tier"], _choice(["equals", "not_equals"], st.booleans())),
)
TREES = st.recursive(
    LEAVES,
    lambda nodes: st.builds(
        lambda children, logic: {"conditions": children, "logic": logic},
        st.lists(nodes, min_size=1, max_size=3),
        st.sampled_from(["AND", "OR"]),
    ),
    max_leaves=6,
).map(lambda node: node if "conditions" in node else {"conditions": [node], "logic": "AND"})


class Views:
    """A database with the views `customers` and `purchases`, refilled by each example."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect(":memory:", config={"threads": 1})
        self._files = {kind: folder / f"{kind}.jsonl" for kind in ("customers", "events")}
        self.fill([], [])
        for kind, path in self._files.items():
            self.connection.execute(
                f"CREATE VIEW {kind} AS SELECT * FROM read_json('{path}', format='newline_delimited', "
                f"columns={schema.json_columns(kind)})"
            )
        self.connection.execute("CREATE VIEW purchases AS SELECT * FROM events WHERE type = 'purchase'")

    def fill(self, customers: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
        for kind, lines in (("customers", customers), ("events", events)):
            self._files[kind].write_text("".join(json.dumps(line) + "\n" for line in lines))

    def ids(self, sql: str, parameters: dict[str, Any]) -> list[str]:
        return [row[0] for row in self.connection.execute(sql, parameters).fetchall()]
