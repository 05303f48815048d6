"""The snapshot: highest versions, no doubles, none of the erased, whatever comes twice, late or at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meghdoot.adapters.lake import merge
from meghdoot.adapters.lake.archive import Archive
from meghdoot.adapters.lake.compactor import read_manifest
from meghdoot.adapters.objects.store import MemoryStore
from meghdoot.areas.customers.model import Customer, Event
from meghdoot.areas.messaging.model import SendRow, Touch
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Stale
from meghdoot.kernel.money import Money
from tests.support import streams
from tests.support.lake import LakeKit

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ZONE = "Asia/Dhaka"
EVERYBODY = {"conditions": [{"field": "is_active", "operator": "equals", "value": True}], "logic": "AND"}
BUYERS = {"conditions": [{"field": "purchase_count", "operator": "greater_than", "value": 0}], "logic": "AND"}


@pytest.fixture
def kit(tmp_path: Path) -> LakeKit:
    return LakeKit.in_memory(tmp_path, ManualClock(NOW))


def customer(n: int, **fields: Any) -> Customer:
    return Customer("t1", f"c{n}", NOW, NOW, **fields)


def purchase(n: int, event_id: str = "e1") -> Event:
    return Event("t1", event_id, f"c{n}", "purchase", NOW - timedelta(days=1), NOW, Money(100, "BDT"))


def count(kit: LakeKit, criteria: dict[str, Any]) -> int:
    return kit.engine.count("t1", criteria, now=NOW, zone=ZONE).people


def rows(kit: LakeKit, kind: str, columns: str) -> list[tuple[Any, ...]]:
    with kit.lake.open("t1", (kind,)) as (connection, _):
        return list(connection.execute(f"SELECT {columns} FROM {kind} ORDER BY ALL").fetchall())


def test_the_highest_version_wins_in_whatever_order_versions_come(kit: LakeKit) -> None:
    kit.append([streams.profile(customer(1, city="new", version=3))])
    kit.compactor.compact("t1")
    kit.append([streams.profile(customer(1, city="old", version=2)), streams.profile(customer(2))])
    assert kit.compactor.compact("t1").customers == 2
    assert rows(kit, "customers", "id, city, version") == [("c1", "new", 3), ("c2", None, 1)]


def test_an_event_told_twice_is_one_event(kit: LakeKit) -> None:
    kit.append([streams.event(purchase(1)), streams.event(purchase(1)), streams.event(purchase(2))], "a")
    kit.compactor.compact("t1")
    kit.append([streams.event(purchase(1)), streams.event(purchase(1, "e2"))], "b")
    assert kit.compactor.compact("t1").events == 3


def test_an_object_that_grew_is_read_again(kit: LakeKit) -> None:
    records = [streams.profile(customer(n)) for n in range(4)]
    kit.append(records[:2])
    kit.compactor.compact("t1")
    kit.append(records)
    assert kit.compactor.compact("t1").customers == 4


def test_nothing_new_keeps_the_snapshot_and_moves_its_time(kit: LakeKit) -> None:
    kit.append([streams.profile(customer(1))])
    first = kit.compactor.compact("t1")
    kit.clock.advance(minutes=10)  # type: ignore[attr-defined]
    assert kit.compactor.compact("t1") == replace(first, as_of=first.as_of + timedelta(minutes=10))


def test_a_kind_without_news_keeps_its_file(kit: LakeKit) -> None:
    kit.append([streams.profile(customer(1)), streams.event(purchase(1))])
    kit.compactor.compact("t1")
    before = read_manifest(kit.store, kit.manifests, "t1").files
    kit.append([streams.event(purchase(1, "e2"))])
    kit.compactor.compact("t1")
    after = read_manifest(kit.store, kit.manifests, "t1").files
    assert (after["customers"], after["events"] == before["events"]) == (before["customers"], False)


def test_who_was_erased_is_gone_from_every_read_at_once_and_from_the_bytes_after_the_next_compaction(
    kit: LakeKit,
) -> None:
    kit.append([streams.profile(customer(1)), streams.profile(customer(2)), streams.event(purchase(1))])
    kit.compactor.compact("t1")
    kit.append([streams.erased(customer(1))])
    assert (count(kit, EVERYBODY), count(kit, BUYERS)) == (1, 0)
    assert (kit.compactor.compact("t1").customers, rows(kit, "events", "id")) == (1, [])


def test_a_late_line_does_not_bring_the_erased_back(kit: LakeKit) -> None:
    kit.append([streams.erased(customer(1))])
    kit.compactor.compact("t1")
    kit.append([streams.profile(customer(1)), streams.event(purchase(1))])
    snapshot = kit.compactor.compact("t1")
    assert (snapshot.customers, snapshot.events) == (0, 0)


def test_a_send_keeps_its_highest_state_and_the_time_of_its_delivery(kit: LakeKit) -> None:
    row = SendRow("t1", "c1", "k1", "202603011200", "complained", "r1", 0, 0, NOW + timedelta(hours=2), "ses")
    kit.append([streams.send(row, 6)])
    kit.compactor.compact("t1")
    kit.append([streams.send(replace(row, state="delivered", at=NOW), 4)])
    kit.compactor.compact("t1")
    noon = int(NOW.timestamp() * 1000)
    assert rows(kit, "sends", "send_key, state, rank, at_ms, delivered_ms") == [
        ("k1", "complained", 6, noon + 7_200_000, noon)
    ]


def test_the_first_touch_of_a_kind_stays(kit: LakeKit) -> None:
    touch = Touch("t1", "c1", "r1", "k1", "link_click", NOW, link=3)
    kit.append([streams.touch(replace(touch, at=NOW + timedelta(1))), streams.touch(touch)])
    kit.append([streams.touch(replace(touch, link=None, kind="click"))])
    kit.compactor.compact("t1")
    noon = int(NOW.timestamp() * 1000)
    assert rows(kit, "touches", "kind, link, at_ms") == [("click", None, noon), ("link_click", 3, noon)]


def test_two_compactions_at_once_lose_nothing(kit: LakeKit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.append([streams.profile(customer(1))])
    kit.compactor.compact("t1")
    kit.append([streams.profile(customer(2))], "b")
    replace_, races = kit.manifests.replace, [1]

    def raced(tenant: str, key: str, version: int) -> None:
        if races:
            races.pop()
            kit.append([streams.profile(customer(3))], "c")
            kit.compactor.compact("t1")
        replace_(tenant, key, version)

    monkeypatch.setattr(kit.manifests, "replace", raced)
    assert kit.compactor.compact("t1").customers == 3
    assert count(kit, EVERYBODY) == 3


def test_whoever_is_always_slower_gives_up_and_leaves_no_files(kit: LakeKit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.append([streams.profile(customer(1))])
    assert isinstance(kit.store, MemoryStore)
    before = set(kit.store.objects)

    def always_stale(*_: object) -> None:
        raise Stale("another compaction was faster")

    monkeypatch.setattr(kit.manifests, "replace", always_stale)
    with pytest.raises(Stale):
        kit.compactor.compact("t1")
    assert set(kit.store.objects) == before


def test_what_nobody_needs_is_deleted_late_and_what_grew_meanwhile_is_not(kit: LakeKit) -> None:
    assert isinstance(kit.store, MemoryStore)
    assert isinstance(kit.clock, ManualClock)
    records = [streams.profile(customer(n)) for n in range(3)]
    kit.append(records[:1], "a")
    kit.append(records[1:2], "b")
    kit.compactor.compact("t1")
    kit.append([streams.profile(customer(0, version=2))], "z")
    kit.compactor.compact("t1")
    raw = {key for key in kit.store.objects if key.startswith("archive/")}
    first = next(key for key in kit.store.objects if key.endswith("customers.parquet"))
    # An hour later nobody reads the replaced files any more; the raw ones may still grow
    kit.clock.advance(hours=2)
    kit.compactor.compact("t1")
    assert first not in kit.store.objects
    assert raw <= kit.store.objects.keys()
    # Days later they go, but not the one that has grown since
    kit.clock.advance(days=3)
    kit.append([records[1], records[2]], "b")
    assert kit.compactor.compact("t1").customers == 3
    assert {key.rsplit("/", 1)[1][0] for key in kit.store.objects if key.startswith("archive/")} == {"b"}


def test_a_reader_whose_files_were_just_replaced_takes_the_next_ones(
    kit: LakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.append([streams.profile(customer(1))])
    kit.compactor.compact("t1")
    stale = kit.manifests.current("t1")
    kit.clock.advance(minutes=1)  # type: ignore[attr-defined]
    kit.append([streams.profile(customer(2))], "b")
    kit.compactor.compact("t1")
    assert stale is not None
    kit.store.delete(stale[0])
    answers: Iterator[Any] = iter([stale])
    current = kit.manifests.current
    monkeypatch.setattr(kit.manifests, "current", lambda tenant: next(answers, None) or current(tenant))
    assert count(kit, EVERYBODY) == 2


@pytest.mark.parametrize("tenant", ["t1", "t10", "t1-x"])
def test_023_only_a_tenants_own_archive_is_compacted(kit: LakeKit, tenant: str) -> None:
    kit.append([streams.profile(replace(customer(n), tenant=t)) for n, t in enumerate(("t1", "t10", "t1-x"))])
    assert kit.compactor.compact(tenant).customers == 1


def test_members_are_complete_and_in_order_over_many_row_groups(kit: LakeKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "ROW_GROUP", 2048)
    ids = [f"{n * 7919 % 10_007:05d}" for n in range(5000)]
    kit.append([streams.profile(replace(customer(0), id=c)) for c in ids])
    kit.append([streams.event(replace(purchase(0), id=f"e{c}", customer_id=c)) for c in ids[::2]])
    kit.compactor.compact("t1")
    with kit.lake.open("t1", ("customers",)) as (connection, _):
        assert len(connection.execute("SELECT * FROM cuts").fetchall()) == 3
    slices = [list(kit.engine.members("t1", [BUYERS], now=NOW, zone=ZONE, slice_=n, slices=2)) for n in (0, 1)]
    assert all(found == sorted(found) for found in slices)
    assert sorted(slices[0] + slices[1]) == sorted(ids[::2])


def test_a_failed_write_leaves_the_batch_to_be_repeated(kit: LakeKit) -> None:
    records = [streams.profile(customer(1)), streams.event(purchase(1))]

    class Full(MemoryStore):
        def put(self, key: str, body: bytes) -> None:
            if "events" in key:
                raise OSError("no")
            super().put(key, body)

    with pytest.raises(OSError, match="no"):
        Archive(Full()).append("s", records)


def test_the_database_opens_no_other_file_and_cannot_be_unlocked(kit: LakeKit) -> None:
    import duckdb

    kit.append([streams.profile(customer(1))])
    kit.compactor.compact("t1")
    with kit.lake.open("t1", ("customers",)) as (connection, _):
        for forbidden in (
            "SELECT * FROM read_csv('/etc/hostname')",
            "SELECT * FROM read_parquet('https://example.com/x.parquet')",
            "COPY customers TO '/tmp/meghdoot-leak.csv'",
            "ATTACH '/tmp/meghdoot-leak.db'",
            "SET enable_external_access = true",
            "SET memory_limit = '99GB'",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(forbidden)
