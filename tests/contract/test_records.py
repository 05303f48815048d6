"""Every store of definitions behaves alike, whatever it keeps and wherever it lives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.light_records import LightRecords
from meghdoot.adapters.dynamodb.models import DocumentItem, bind
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.kernel.errors import Conflict, Stale
from meghdoot.kernel.records import Records
from tests.contract.conftest import REGION, Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    tenant: str
    id: str
    status: str
    updated_at: datetime
    version: int = 1


@pytest.fixture(params=["models", "light"])
def things(substrate: Substrate, request: pytest.FixtureRequest) -> Records[Thing]:
    """By the models, and by the same items without them."""
    if substrate.is_memory:
        return MemoryRecords("thing", lambda t: t.status)
    if request.param == "light":
        calls = BotoCalls(substrate.client("dynamodb"))
        return LightRecords(calls, substrate.tables["definitions"], Thing, "thing", lambda t: t.status)
    model = bind(DocumentItem, substrate.tables["definitions"], REGION, substrate.endpoint)
    return DynamoRecords(model, Thing, "thing", lambda t: t.status)


def thing(n: int, tenant: str = "acme", status: str = "draft") -> Thing:
    return Thing(tenant, f"id{n}", status, NOW + timedelta(minutes=n))


def test_what_was_added_is_read_back_whole(things: Records[Thing]) -> None:
    things.add(thing(1))
    assert things.get("acme", "id1") == thing(1)
    assert things.get("acme", "id2") is None


def test_another_tenant_sees_nothing_even_if_its_name_is_a_prefix(things: Records[Thing]) -> None:
    things.add(thing(1, tenant="t1"))
    assert things.get("t10", "id1") is None
    assert things.all("t10") == []
    assert things.page("t").items == ()


def test_an_id_is_taken_once(things: Records[Thing]) -> None:
    things.add(thing(1))
    with pytest.raises(Conflict) as e:
        things.add(replace(thing(1), status="active"))
    assert e.value.code == "already_exists"
    assert things.get("acme", "id1") == thing(1)


def test_only_the_version_that_was_read_can_be_replaced(things: Records[Thing]) -> None:
    things.add(thing(1))
    second = replace(thing(1), version=2, status="active")
    things.replace(second, expected_version=1)
    with pytest.raises(Stale):
        things.replace(replace(second, status="lost"), expected_version=1)
    assert things.get("acme", "id1") == second


def test_replacing_what_is_absent_is_stale_and_stores_nothing(things: Records[Thing]) -> None:
    with pytest.raises(Stale):
        things.replace(thing(1), expected_version=1)
    assert things.get("acme", "id1") is None


def test_removal_is_idempotent_and_guards_a_version(things: Records[Thing]) -> None:
    things.add(thing(1))
    with pytest.raises(Stale):
        things.remove("acme", "id1", expected_version=7)
    things.remove("acme", "id1", expected_version=1)
    things.remove("acme", "id1")
    assert things.get("acme", "id1") is None


def test_pages_follow_each_other_without_gap_or_double(things: Records[Thing]) -> None:
    for n in range(7):
        things.add(thing(n, status="draft" if n % 2 else "active"))
    seen, after = [], None
    while True:
        page = things.page("acme", status="active", limit=3, after=after)
        seen += [t.id for t in page.items]
        after = page.after
        if after is None:
            break
    assert seen == ["id6", "id4", "id2", "id0"]
    assert [t.id for t in things.all("acme")] == [f"id{n}" for n in reversed(range(7))]


def test_what_one_way_stores_the_other_reads(substrate: Substrate) -> None:
    if substrate.is_memory:
        return
    table = substrate.tables["definitions"]
    model = bind(DocumentItem, table, REGION, substrate.endpoint)
    heavy = DynamoRecords(model, Thing, "thing", lambda t: t.status)
    light = LightRecords(BotoCalls(substrate.client("dynamodb")), table, Thing, "thing", lambda t: t.status)
    heavy.add(thing(1))
    light.add(thing(2))
    assert light.all("acme") == heavy.all("acme") == [thing(2), thing(1)]
    items = [
        substrate.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": f"acme#thing#id{n}"}, "sk": {"S": "V"}})
        for n in (1, 2)
    ]
    shapes = [{name: next(iter(value)) for name, value in item["Item"].items()} for item in items]
    assert shapes[0] == shapes[1]
    light.replace(replace(thing(1), version=2), 1)
    heavy.replace(replace(thing(2), version=2), 1)
    assert [t.version for t in light.page("acme").items] == [t.version for t in heavy.page("acme").items] == [2, 2]
