"""First touches and run links behave alike on every substrate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.adapters.dynamodb.run_links import DynamoRunLinks
from meghdoot.adapters.dynamodb.touches import DynamoTouches
from meghdoot.adapters.memory.touches import MemoryRunLinks, MemoryTouches, RememberingTouches
from meghdoot.areas.content.model import Link
from meghdoot.areas.messaging.model import Touch
from meghdoot.areas.messaging.ports import RunLinks, Touches
from tests.contract.conftest import Substrate
from tests.contract.test_consent_ledger import calls_of

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
OPEN = Touch("acme", "c1", "r1", "key", "open", NOW)


@dataclass(frozen=True)
class Store:
    touches: Touches
    links: RunLinks


@pytest.fixture
def store(substrate: Substrate) -> Store:
    if substrate.is_memory:
        return Store(MemoryTouches(), MemoryRunLinks())
    calls = calls_of(substrate)
    return Store(
        DynamoTouches(calls, substrate.tables["activity"]), DynamoRunLinks(calls, substrate.tables["definitions"])
    )


def test_only_the_first_touch_of_a_kind_counts(store: Store) -> None:
    later = replace(OPEN, at=NOW + timedelta(hours=1))
    assert store.touches.seen_at(OPEN) is None
    assert store.touches.touch(OPEN)
    assert not store.touches.touch(later)
    assert store.touches.seen_at(later) == NOW


def test_kinds_links_messages_people_and_tenants_are_apart(store: Store) -> None:
    others = [
        OPEN,
        replace(OPEN, kind="click"),
        replace(OPEN, kind="link_click", link=1),
        replace(OPEN, kind="link_click", link=2),
        replace(OPEN, kind="unsubscribe", reason="too_frequent"),
        replace(OPEN, send_key="other"),
        replace(OPEN, customer_id="c10"),
        replace(OPEN, tenant="other"),
    ]
    assert [store.touches.touch(touch) for touch in others] == [True] * len(others)
    assert [store.touches.touch(touch) for touch in others] == [False] * len(others)


def test_the_first_click_of_a_message_is_one_write_that_names_its_link(store: Store) -> None:
    click = replace(OPEN, kind="click", link=3)
    assert store.touches.clicked(click) is None
    assert store.touches.clicked(click) == 3
    assert store.touches.clicked(replace(click, link=5)) == 3
    assert store.touches.seen_at(click) == NOW
    # One that was kept before clicks had links says that it is not known
    assert store.touches.touch(replace(click, send_key="old", link=None))
    assert store.touches.clicked(replace(click, send_key="old")) == 0


def test_a_process_remembers_which_link_was_first() -> None:
    remembering, click = RememberingTouches(MemoryTouches()), replace(OPEN, kind="click", link=3)
    assert [remembering.clicked(click), remembering.clicked(replace(click, link=4))] == [None, 3]
    assert RememberingTouches(MemoryTouches()).clicked(replace(click, link=4)) is None


def test_links_are_found_by_number_in_their_own_run(store: Store) -> None:
    links = [Link(n, f"https://shop.example/{n}?দাম=১") for n in range(1, 61)]
    store.links.put("acme", "r1", links)
    store.links.put("acme", "r1", links)
    store.links.put("acme", "r2", [])
    assert store.links.get("acme", "r1", 60) == "https://shop.example/60?দাম=১"
    assert store.links.get("acme", "r1", 61) is None
    assert store.links.get("acme", "r2", 1) is None
    assert store.links.get("other", "r1", 1) is None


def test_115_a_flood_with_one_token_is_one_write(substrate: Substrate) -> None:
    if not substrate.is_memory:
        pytest.skip("the memory of a process is the same everywhere")
    inner = MemoryTouches()
    writes = []
    counted = MemoryTouches()
    counted.touch = lambda touch: writes.append(touch) or inner.touch(touch)  # type: ignore[method-assign,func-returns-value]
    remembering = RememberingTouches(counted, limit=2)
    told = [remembering.touch(replace(OPEN, at=NOW + timedelta(milliseconds=n))) for n in range(1000)]
    assert (sum(told), len(writes)) == (1, 1)
    for n in range(3):
        remembering.touch(replace(OPEN, send_key=f"other{n}"))
    assert not remembering.touch(OPEN)
    assert len(writes) == 5
