"""Segments as a vendor meets them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.memory.segments import MemoryEngine
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.segments.model import Locale, Segment
from meghdoot.areas.segments.service import SegmentDraft, SegmentService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Invalid, NotFound, Stale
from meghdoot.kernel.ids import SystemIds

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DHAKA = {"conditions": [{"field": "city", "operator": "equals", "value": "Dhaka"}], "logic": "AND"}
SYLHET = {"conditions": [{"field": "city", "operator": "equals", "value": "Sylhet"}], "logic": "AND"}


@dataclass
class Shop:
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    people: list[Customer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.segments: MemoryRecords[Segment] = MemoryRecords("segment")
        engine = MemoryEngine(
            lambda t: [c for c in self.people if c.tenant == t], lambda _t: [], lambda _t: "BDT", self.clock
        )
        self.service = SegmentService(
            self.segments, engine, lambda _t: Locale("Asia/Dhaka", "BDT"), self.clock, SystemIds(self.clock)
        )
        self.people = [Customer("t1", f"c{n}", NOW, NOW, city="Dhaka" if n < 3 else "Sylhet") for n in range(5)]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def draft(**fields: Any) -> SegmentDraft:
    return SegmentDraft(**({"segment_name": "Dhaka", "criteria": DHAKA} | fields))


def test_a_new_segment_is_stored_and_not_counted_yet(shop: Shop) -> None:
    made = shop.service.create("t1", "u1", draft(segment_name="Cafe\u0301"))
    assert shop.service.get("t1", made.id) == made
    assert (made.segment_name, made.customer_count, made.last_updated, made.version) == ("Café", 0, None, 1)


def test_wrong_criteria_store_nothing(shop: Shop) -> None:
    with pytest.raises(Invalid) as e:
        shop.service.create("t1", "u1", draft(criteria={"conditions": [{"field": "x", "operator": "exists"}]}))
    assert e.value.fields[0].field == "criteria.conditions.0.field"
    assert shop.service.all("t1") == []


def test_a_refresh_stores_count_time_and_snapshot_and_leaves_the_version(shop: Shop) -> None:
    made = shop.service.create("t1", "u1", draft())
    shop.clock.advance(minutes=5)
    counted = shop.service.refresh("t1", made.id)
    assert (counted.customer_count, counted.last_updated, counted.version) == (3, shop.clock.now(), 1)
    assert counted.snapshot_id == shop.service.engine.snapshot("t1").id
    assert shop.service.get("t1", made.id) == counted


def test_new_criteria_make_the_old_count_void(shop: Shop) -> None:
    made = shop.service.create("t1", "u1", draft())
    shop.service.refresh("t1", made.id)
    renamed = shop.service.update("t1", made.id, {"description": "who lives there"}, 1)
    assert (renamed.version, renamed.customer_count) == (2, 3)
    moved = shop.service.update("t1", made.id, {"criteria": SYLHET}, 2)
    assert (moved.version, moved.customer_count, moved.last_updated) == (3, 0, None)
    assert shop.service.refresh("t1", made.id).customer_count == 2


def test_an_edit_of_an_old_version_changes_nothing(shop: Shop) -> None:
    made = shop.service.create("t1", "u1", draft())
    shop.service.update("t1", made.id, {"segment_name": "New"}, 1)
    with pytest.raises(Stale):
        shop.service.update("t1", made.id, {"segment_name": "Lost"}, 1)
    assert shop.service.get("t1", made.id).segment_name == "New"


@pytest.mark.parametrize("name", ["tenant", "customer_count", "created_by", "version", "snapshot_id"])
def test_nobody_edits_what_the_house_keeps(shop: Shop, name: str) -> None:
    made = shop.service.create("t1", "u1", draft())
    with pytest.raises(Invalid) as e:
        shop.service.update("t1", made.id, {name: "x"})
    assert e.value.fields[0].field == name


def test_a_refresh_that_meets_an_edit_counts_what_was_written(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shop.service.create("t1", "u1", draft())
    stored, edits = shop.segments.replace, [replace(made, criteria=SYLHET, version=2)]

    def edited_meanwhile(record: Segment, expected_version: int) -> None:
        if edits:
            stored(edits.pop(), 1)
        stored(record, expected_version)

    monkeypatch.setattr(shop.segments, "replace", edited_meanwhile)
    assert shop.service.refresh("t1", made.id).customer_count == 2


def test_a_deleted_segment_is_gone_and_another_tenants_never_was(shop: Shop) -> None:
    made = shop.service.create("t1", "u1", draft())
    with pytest.raises(NotFound):
        shop.service.delete("t2", made.id)
    shop.service.delete("t1", made.id)
    with pytest.raises(NotFound):
        shop.service.get("t1", made.id)


def test_customers_come_in_the_order_asked_for(shop: Shop) -> None:
    made = shop.service.create("t1", "u1", draft())
    page = shop.service.customers("t1", made.id, sort="customer_id_desc", limit=2)
    rest = shop.service.customers("t1", made.id, sort="customer_id_desc", limit=2, after=page.after)
    assert [r.customer_id for r in page.items + rest.items] == ["c2", "c1", "c0"]
    with pytest.raises(Invalid) as e:
        shop.service.customers("t1", made.id, sort="address_asc")
    assert e.value.fields[0].field == "sort"


def test_criteria_read_as_a_sentence_in_english_and_bangla(shop: Shop) -> None:
    criteria = {
        "conditions": [
            {"field": "customer_lifetime_value", "operator": "greater_or_equal", "value": 100},
            {"field": "last_purchase_date", "operator": "not_within_days", "value": 90},
            {"conditions": [
                {"field": "city", "operator": "in", "value": ["Dhaka", "ঢাকা"]},
                {"field": "purchase_count", "operator": "between", "value": [2, 4], "within_days": 30},
                {"field": "has_email", "operator": "not_equals", "value": True},
            ], "logic": "OR"},
        ],
        "logic": "AND",
    }  # fmt: skip
    assert shop.service.sentence("t1", criteria) == (
        "Active customers where total spent is at least 100 BDT and last purchase is not within the last 90 days and "
        "(city is one of “Dhaka”, “ঢাকা” or number of purchases of the last 30 days is from 2 to 4 or "
        "has an e-mail address: no)."
    )
    assert shop.service.sentence("t1", criteria, "bn") == (
        "সক্রিয় গ্রাহক, যাদের মোট ব্যয় ১০০ BDT বা তার বেশি এবং শেষ ক্রয় গত ৯০ দিনের মধ্যে নয় এবং "
        "(শহর এগুলোর একটি: “Dhaka”, “ঢাকা” অথবা গত ৩০ দিনের ক্রয়ের সংখ্যা ২ থেকে ৪ অথবা ই-মেইল আছে: না)।"
    )
