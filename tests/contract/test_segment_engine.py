"""Every query engine gives the same people in the same order, wherever its snapshot lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.lake.manifest import DynamoManifests, MemoryManifests
from meghdoot.adapters.memory.segments import MemoryEngine
from meghdoot.adapters.objects.store import FolderStore, S3Store
from meghdoot.areas.customers.model import Customer, Event
from meghdoot.areas.segments.model import SortKey
from meghdoot.areas.segments.ports import QueryEngine
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Malformed
from meghdoot.kernel.money import Money
from tests.contract.conftest import Substrate
from tests.support import streams
from tests.support.lake import LakeKit

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ZONE = "Asia/Dhaka"
EVERYBODY = {"conditions": [{"field": "is_active", "operator": "equals", "value": True}], "logic": "AND"}
BUYERS = {"conditions": [{"field": "purchase_count", "operator": "greater_than", "value": 0}], "logic": "AND"}
DHAKA = {"conditions": [{"field": "city", "operator": "equals", "value": "Dhaka"}], "logic": "AND"}

Make = Callable[[Sequence[Customer], Sequence[Event]], QueryEngine]


@pytest.fixture
def make(substrate: Substrate, tmp_path: Path) -> Make:
    clock = ManualClock(NOW)
    if substrate.is_memory:
        return lambda people, events: MemoryEngine(
            lambda t: [c for c in people if c.tenant == t], lambda t: [e for e in events if e.tenant == t],
            lambda _tenant: "BDT", clock,
        )  # fmt: skip
    bucket_name = f"lake-{abs(hash(tmp_path)) % 10**10}"
    substrate.client("s3").create_bucket(Bucket=bucket_name)
    manifests = DynamoManifests(BotoCalls(substrate.client("dynamodb")), substrate.tables["definitions"])
    kit = LakeKit(S3Store(substrate.client("s3"), bucket_name), manifests, clock, tmp_path)
    return lambda people, events: _through_the_archive(kit, people, events)


@pytest.fixture
def make_in_folder(tmp_path: Path) -> Make:
    kit = LakeKit(FolderStore(tmp_path / "lake"), MemoryManifests(), ManualClock(NOW), tmp_path)
    return lambda people, events: _through_the_archive(kit, people, events)


def _through_the_archive(kit: LakeKit, people: Sequence[Customer], events: Sequence[Event]) -> QueryEngine:
    kit.append([*map(streams.profile, people), *map(streams.event, events)])
    for tenant in {c.tenant for c in people}:
        kit.compactor.compact(tenant)
    return kit.engine


def customer(n: int, tenant: str = "t1", **fields: Any) -> Customer:
    return Customer(tenant, f"c{n:02d}", NOW - timedelta(days=400), NOW, email=f"c{n}@example.com", **fields)


def purchase(n: int, days_ago: int, amount: int, tenant: str = "t1") -> Event:
    at = NOW - timedelta(days=days_ago)
    return Event(tenant, f"e{n}-{days_ago}-{amount}", f"c{n:02d}", "purchase", at, NOW, Money(amount, "BDT"), f"o{n}")


PEOPLE = [customer(n, city="Dhaka" if n % 3 else "Sylhet") for n in range(8)] + [customer(9, is_active=False)]
EVENTS = [
    purchase(1, 10, 5000), purchase(1, 3, 100), purchase(2, 3, 5100), purchase(3, 90, 700), purchase(9, 1, 9999),
    replace(purchase(4, 5, 800), amount=Money(800, "USD")), replace(purchase(5, 5, 1), type="page_view"),
    purchase(6, -2, 100),
]  # fmt: skip


def pages(engine: QueryEngine, sort: SortKey, descending: bool, limit: int = 3, tenant: str = "t1") -> list[str]:
    seen: list[str] = []
    after: str | None = None
    while True:
        page = engine.page(
            tenant, EVERYBODY, now=NOW, zone=ZONE, sort=sort, descending=descending, limit=limit, after=after
        )
        assert len(page.items) <= limit
        seen += [row.customer_id for row in page.items]
        after = page.after
        if after is None:
            return seen


def test_only_active_people_count(make: Make) -> None:
    engine = make(PEOPLE, EVENTS)
    assert engine.count("t1", EVERYBODY, now=NOW, zone=ZONE).people == 8
    assert engine.count("t1", BUYERS, now=NOW, zone=ZONE).people == 4


def test_a_count_names_its_snapshot_and_two_counts_of_one_snapshot_are_equal(make: Make) -> None:
    engine = make(PEOPLE, EVENTS)
    first = engine.count("t1", DHAKA, now=NOW, zone=ZONE)
    assert first == engine.count("t1", DHAKA, now=NOW, zone=ZONE)
    assert first.snapshot == engine.snapshot("t1")
    assert (first.snapshot.customers, first.snapshot.events) == (9, 8)


ORDERS: tuple[tuple[SortKey, bool, str], ...] = (
    ("customer_id", False, "c00 c01 c02 c03 c04 c05 c06 c07"),
    ("customer_id", True, "c07 c06 c05 c04 c03 c02 c01 c00"),
    ("customer_lifetime_value", True, "c01 c02 c03 c00 c04 c05 c06 c07"),
    ("total_orders", True, "c01 c02 c03 c04 c00 c05 c06 c07"),
    ("total_orders", False, "c00 c05 c06 c07 c02 c03 c04 c01"),
    ("last_purchase_date", True, "c01 c02 c04 c03 c00 c05 c06 c07"),
    ("last_purchase_date", False, "c03 c04 c01 c02 c00 c05 c06 c07"),
)


def test_pages_follow_each_other_in_order_and_who_never_bought_comes_last(make: Make) -> None:
    engine = make(PEOPLE, EVENTS)
    for sort, descending, expected in ORDERS:
        assert pages(engine, sort, descending) == expected.split(), (sort, descending)


def test_a_row_tells_what_the_person_spent(make: Make) -> None:
    page = make(PEOPLE, EVENTS).page(
        "t1", EVERYBODY, now=NOW, zone=ZONE, sort="customer_lifetime_value", descending=True, limit=1, after=None
    )
    row = page.items[0]
    assert (row.customer_id, row.customer_lifetime_value_minor, row.total_orders) == ("c01", 5100, 2)
    assert row.last_purchase_at == NOW - timedelta(days=3)


FORGED = ("", "x", "customer_id:d:0:c01", "total_orders:a:1:c01", "customer_id:a:1' OR 1=1:c", "customer_id:a:0:")


def test_009_a_forged_cursor_is_refused(make: Make) -> None:
    engine = make(PEOPLE[:1], [])
    for after in FORGED:
        with pytest.raises(Malformed) as e:
            engine.page("t1", EVERYBODY, now=NOW, zone=ZONE, sort="customer_id", descending=False, limit=3, after=after)
        assert e.value.code == "bad_cursor"


def test_009_a_cursor_of_another_tenant_shows_only_ones_own_people(make: Make) -> None:
    engine = make([customer(1, "t1"), customer(2, "t1"), customer(1, "t2"), customer(3, "t2")], [])
    theirs = engine.page("t1", EVERYBODY, now=NOW, zone=ZONE, sort="customer_id", descending=False, limit=1, after=None)
    ours = engine.page(
        "t2", EVERYBODY, now=NOW, zone=ZONE, sort="customer_id", descending=False, limit=9, after=theirs.after
    )
    assert [row.customer_id for row in ours.items] == ["c03"]


def test_slices_share_out_everybody_once_in_order(make: Make) -> None:
    engine = make(PEOPLE, EVENTS)
    slices = [list(engine.members("t1", [EVERYBODY], now=NOW, zone=ZONE, slice_=n, slices=3)) for n in range(3)]
    assert [sorted(s) for s in slices] == slices
    assert sorted(c for s in slices for c in s) == [f"c{n:02d}" for n in range(8)]
    assert all(bucket("audience", c, 3) == n for n, s in enumerate(slices) for c in s)


def test_a_person_of_two_segments_is_a_member_once(make: Make) -> None:
    engine = make(PEOPLE, EVENTS)
    members = list(engine.members("t1", [DHAKA, BUYERS], now=NOW, zone=ZONE, slice_=0, slices=1))
    assert members == ["c01", "c02", "c03", "c04", "c05", "c07"]
    assert list(engine.members("t1", [], now=NOW, zone=ZONE, slice_=0, slices=1)) == []


def test_023_a_tenant_whose_name_begins_anothers_sees_only_its_own(make: Make) -> None:
    engine = make([customer(1, "t1"), customer(2, "t10"), customer(3, "t10")], [purchase(2, 1, 100, "t10")])
    assert engine.count("t1", EVERYBODY, now=NOW, zone=ZONE).people == 1
    assert engine.count("t10", EVERYBODY, now=NOW, zone=ZONE).people == 2
    assert engine.count("t1", BUYERS, now=NOW, zone=ZONE).people == 0


def test_a_tenant_without_a_snapshot_has_nobody(make: Make) -> None:
    engine = make(PEOPLE, EVENTS)
    count = engine.count("nobody", BUYERS, now=NOW, zone=ZONE)
    assert (count.people, count.snapshot.customers) == (0, 0)
    assert pages(engine, "total_orders", True, tenant="nobody") == []


def test_a_local_folder_serves_as_well(make_in_folder: Make) -> None:
    assert make_in_folder(PEOPLE, EVENTS).count("t1", BUYERS, now=NOW, zone=ZONE).people == 4
