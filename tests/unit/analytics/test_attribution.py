"""Which run brought a purchase: the rule, and the lake's SQL held against it on random histories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meghdoot.adapters.lake.conversions import DuckDbConversions
from meghdoot.adapters.memory.conversions import MemoryConversions
from meghdoot.areas.analytics.model import Conversions
from meghdoot.areas.analytics.ports import ConversionQuery
from meghdoot.areas.customers.model import Event
from meghdoot.areas.messaging.model import RANKS, SendRow, State, Touch, TouchKind
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.money import Money
from tests.support import streams
from tests.support.lake import LakeKit

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = 7

History = tuple[Sequence[Event], Sequence[SendRow], Sequence[Touch]]


def order(n: int, hours_ago: float, customer: str = "c1", minor: int | None = 1000, currency: str = "BDT") -> Event:
    at = NOW - timedelta(hours=hours_ago)
    amount = None if minor is None else Money(minor, currency)
    return Event("t1", f"e{n}", customer, "purchase", at, NOW, amount)


def delivery(run: str, hours_ago: float, customer: str = "c1", state: State = "delivered") -> SendRow:
    at = NOW - timedelta(hours=hours_ago)
    return SendRow("t1", customer, f"{run}-{customer}", "202602010000", state, run, 0, 0, at, "ses")


def click(run: str, hours_ago: float, customer: str = "c1", kind: TouchKind = "click") -> Touch:
    link = 1 if kind == "link_click" else None
    return Touch("t1", customer, run, f"{run}-{customer}", kind, NOW - timedelta(hours=hours_ago), link)


def of_memory(history: History) -> ConversionQuery:
    return MemoryConversions(*((lambda _tenant, part=part: part) for part in history))


def of_lake(history: History, folder: Path) -> ConversionQuery:
    events, sends, touches = history
    kit = LakeKit.in_memory(folder, ManualClock(NOW))
    kit.append(
        [
            *map(streams.event, events),
            *(streams.send(row, RANKS[row.state]) for row in sends),
            *map(streams.touch, touches),
        ]
    )
    kit.compactor.compact("t1")
    return DuckDbConversions(kit.lake)


def asked(query: ConversionQuery, run: str) -> tuple[int, int, int]:
    found: Conversions = query.conversions("t1", run, window_days=WINDOW, currency="BDT", now=NOW, zone="Asia/Dhaka")
    assert found.as_of == NOW
    assert found.revenue.currency == "BDT"
    return found.count, found.customers, found.revenue.minor


CASES: list[tuple[str, History, dict[str, int]]] = [
    ("a purchase after a delivery", ([order(1, 10)], [delivery("r1", 20)], []), {"r1": 1}),
    ("a purchase before it", ([order(1, 30)], [delivery("r1", 20)], []), {"r1": 0}),
    ("the last instant of the window", ([order(1, 0)], [delivery("r1", WINDOW * 24)], []), {"r1": 1}),
    ("an instant after it", ([order(1, 0)], [delivery("r1", WINDOW * 24 + 1e-3)], []), {"r1": 0}),
    ("the later delivery wins", ([order(1, 1)], [delivery("r1", 10), delivery("r2", 20)], []), {"r1": 1, "r2": 0}),
    ("the later click wins", ([order(1, 1)], [], [click("r1", 5), click("r2", 9)]), {"r1": 1, "r2": 0}),
    ("at one instant the send key decides", ([order(1, 1)], [], [click("r1", 5), click("r2", 5)]), {"r1": 0, "r2": 1}),
    ("a complaint proves a delivery", ([order(1, 1)], [delivery("r1", 20, state="complained")], []), {"r1": 1}),
    (
        "a click goes before a later delivery",
        ([order(1, 1)], [delivery("r1", 20), delivery("r2", 10)], [click("r1", 15)]),
        {"r1": 1, "r2": 0},
    ),
    (
        "a click out of its window leaves the purchase to a delivery",
        ([order(1, 1)], [delivery("r2", 10)], [click("r1", WINDOW * 24 + 2)]),
        {"r1": 0, "r2": 1},
    ),
    (
        "a click of a machine is none",
        ([order(1, 1)], [delivery("r1", 20), delivery("r2", 10)], [click("r1", 5, kind="machine_click")]),
        {"r1": 0, "r2": 1},
    ),
    ("a click of a link counts", ([order(1, 1)], [], [click("r1", 5, kind="link_click")]), {"r1": 1}),
    ("an open is no touch", ([order(1, 1)], [], [click("r1", 5, kind="open")]), {"r1": 0}),
    ("a bounce is no delivery", ([order(1, 1)], [delivery("r1", 20, state="bounced")], []), {"r1": 0}),
    ("another person's delivery", ([order(1, 1, "c2")], [delivery("r1", 20)], []), {"r1": 0}),
    ("another currency", ([order(1, 1, currency="USD")], [delivery("r1", 20)], []), {"r1": 0}),
    ("no amount", ([order(1, 1, minor=None)], [delivery("r1", 20)], []), {"r1": 0}),
    ("a purchase that is still to come", ([order(1, -1)], [delivery("r1", 20)], []), {"r1": 0}),
    ("every purchase in the window", ([order(1, 1), order(2, 3)], [delivery("r1", 20)], []), {"r1": 2}),
]


@pytest.mark.parametrize(("history", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_rule(history: History, expected: dict[str, int]) -> None:
    query = of_memory(history)
    assert {run: asked(query, run)[0] for run in expected} == expected


def test_the_lake_says_the_same_of_every_case(tmp_path: Path) -> None:
    for n, (name, history, expected) in enumerate(CASES):
        query = of_lake(history, tmp_path / str(n))
        assert {run: asked(query, run)[0] for run in expected} == expected, name


HOURS = st.sampled_from([-1, 0, 1, 2, 24, 167, 168, 169, 200])
RUNS, CUSTOMERS = st.sampled_from(["r1", "r2", "r3"]), st.sampled_from(["c1", "c2"])
ORDERS = st.lists(
    st.tuples(HOURS, CUSTOMERS, st.sampled_from([None, 0, 500, 1000]), st.sampled_from(["BDT", "USD"])), max_size=5
).map(lambda rows: [order(n, *row) for n, row in enumerate(rows)])
SENDS = st.lists(
    st.builds(delivery, RUNS, HOURS, CUSTOMERS, st.sampled_from(["delivered", "accepted", "bounced", "complained"])),
    max_size=5, unique_by=lambda row: row.send_key,
)  # fmt: skip
TOUCHES = st.lists(
    st.builds(click, RUNS, HOURS, CUSTOMERS, st.sampled_from(["click", "link_click", "machine_click", "open"])),
    max_size=5, unique_by=lambda t: (t.send_key, t.kind),
)  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=st.tuples(ORDERS, SENDS, TOUCHES))
def test_the_lake_and_the_rule_agree_and_no_purchase_is_counted_twice(
    tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    rule, lake = of_memory(history), of_lake(history, tmp_path_factory.mktemp("lake"))
    answers = {run: asked(rule, run) for run in ("r1", "r2", "r3")}
    assert {run: asked(lake, run) for run in answers} == answers
    assert sum(count for count, _, _ in answers.values()) <= len(history[0])
