"""Events of providers: in any order, any number of times, forged or without tags."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.adapters.email.ses_events import parse
from meghdoot.areas.messaging.model import Fact
from tests.support.killing import TENANT, World, people

DATA = Path(__file__).parents[2] / "data"


def told(world: World) -> list[Fact]:
    """Delivery, soft and hard bounce and complaint of the first three mails, each of them doubled."""
    mails = world.provider.accepted
    facts = [
        world.delivery_of(mails[0]),
        world.delivery_of(mails[1]),
        world.delivery_of(mails[1], "bounced", subtype="hard"),
        world.delivery_of(mails[2], "complained", subtype="abuse"),
        world.delivery_of(mails[2]),
        world.delivery_of(mails[3], "deferred"),
    ]
    return facts * 2


@given(st.permutations(range(12)), st.lists(st.integers(1, 12), max_size=4))
def test_059_facts_in_any_order_any_number_of_times_come_to_the_same_end(order: list[int], cuts: list[int]) -> None:
    world = World(5)
    run = world.launch()
    world.drain()
    facts = told(world)
    shuffled = [facts[n] for n in order]
    bounds = sorted({0, *cuts, 12})
    for start, end in pairwise(bounds):
        world.receipts.record(shuffled[start:end])
    assert people(world, run) == {"delivered": 1, "bounced": 1, "complained": 1, "accepted": 2}
    assert sorted(r.state for r in world.rows.rows.values()) == ["accepted", "bounced", "complained", "delivered"]
    assert sorted(set(world.suppressed.calls)) == [
        (TENANT, "key-of-c00001@x.example", "hard_bounce", "c00001"),
        (TENANT, "key-of-c00002@x.example", "complaint", "c00002"),
    ]
    assert world.evidence.marks == {"memory": world.clock.now()}


@pytest.mark.parametrize(
    ("file", "reason"), [("ses_09_Bounce.json", "hard_bounce"), ("ses_11_Complaint.json", "complaint")]
)
def test_a_real_notification_without_tags_touches_suppression_only(file: str, reason: str) -> None:
    world = World(1)
    facts = parse((DATA / file).read_text()).facts
    # Nobody owns the sender yet: nothing happens
    assert world.receipts.record(facts).suppressed == 0
    world.owners.claim("kijitora@neko.example.org", "t-bounce")
    world.owners.claim("@neko.example.jp", "t-complaint")
    recorded = world.receipts.record(facts)
    assert (recorded.suppressed, recorded.unmatched, recorded.born) == (1, 1, 0)
    ((tenant, _, why, customer),) = world.suppressed.calls
    assert (tenant, why, customer) == (f"t-{reason.split('_')[-1]}", reason, None)
    assert world.rows.rows == {}


def test_060_forged_tags_touch_nobody() -> None:
    world = World(2)
    world.launch()
    world.drain()
    fact = world.delivery_of(world.provider.accepted[0], "complained")
    forged = replace(fact, customer_id="c00001")
    recorded = world.receipts.record([forged])
    assert (recorded.unmatched, recorded.born, recorded.suppressed) == (1, 0, 0)
    assert world.suppressed.calls == []
