"""Profiles, identities, gates and events behave alike on every substrate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.batches import Batches
from meghdoot.adapters.dynamodb.calls import BotoCalls, CallError
from meghdoot.adapters.dynamodb.customers import DynamoCustomers, dynamo_attributes
from meghdoot.adapters.dynamodb.events import DynamoEvents
from meghdoot.adapters.dynamodb.models import DocumentItem, bind
from meghdoot.adapters.memory.customers import MemoryCustomers, MemoryEvents, memory_attributes
from meghdoot.areas.customers.model import AttributeDefinition, Customer, Event
from meghdoot.areas.customers.ports import Customers, Events
from meghdoot.kernel.errors import Conflict, Stale, Throttled, Unavailable
from meghdoot.kernel.money import Money
from tests.contract.conftest import REGION, Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class People:
    """The port, and a look at the gate that it keeps: (version, zone) or None."""

    customers: Customers
    gate: Callable[[str], tuple[int, str | None] | None]


@pytest.fixture
def people(substrate: Substrate) -> People:
    if substrate.is_memory:
        memory = MemoryCustomers()

        def kept(customer_id: str) -> tuple[int, str | None] | None:
            gate = memory.gates.get("acme", customer_id)
            return (gate.version, gate.zone) if gate else None

        return People(memory, kept)
    client = substrate.client("dynamodb")
    table = substrate.tables["people"]

    def stored(customer_id: str) -> tuple[int, str | None] | None:
        item = client.get_item(TableName=table, Key={"pk": {"S": f"acme#C#{customer_id}"}, "sk": {"S": "GATE"}}).get(
            "Item"
        )
        return (int(item["v"]["N"]), item.get("z", {}).get("S")) if item else None

    return People(DynamoCustomers(BotoCalls(client), table, pause=lambda _s: None), stored)


@pytest.fixture
def events(substrate: Substrate) -> Events:
    if substrate.is_memory:
        return MemoryEvents()
    calls = BotoCalls(substrate.client("dynamodb"))
    by_items = substrate.name == "moto"
    return DynamoEvents(Batches(calls, substrate.tables["activity"], by_items, pause=lambda _s: None))


def customer(n: int, tenant: str = "acme", **fields: Any) -> Customer:
    return Customer(tenant, f"c{n}", NOW, NOW, **fields)


def event(n: int, **fields: Any) -> Event:
    made = Event(
        "acme", f"e{n}", "c1", "purchase", NOW + timedelta(minutes=n), NOW, Money(5, "BDT"), "o1", {"sku": "আম"}
    )
    return replace(made, **fields)


def test_a_new_customer_is_found_whole_with_a_gate_of_version_one(people: People) -> None:
    ann = customer(1, email="a@x.test", zone="Asia/Dhaka", tags=("vip",), attributes={"n": 1.5, "b": True, "t": "আ"})
    people.customers.create(ann, {"email": "k1#aa", "phone": "k1#bb"})
    assert people.customers.get("acme", "c1") == ann
    assert people.customers.find("acme", "email", "k1#aa") == "c1"
    assert people.customers.find_many("acme", [("phone", "k1#bb"), ("phone", "k1#aa")]) == {("phone", "k1#bb"): "c1"}
    assert people.gate("c1") == (1, "Asia/Dhaka")
    assert people.customers.get("other", "c1") is None
    assert people.customers.find("other", "email", "k1#aa") is None
    assert people.customers.get_many("acme", ["c1", "c2", "c1"]) == {"c1": ann}


def test_a_taken_identity_or_id_stores_nothing(people: People) -> None:
    people.customers.create(customer(1), {"email": "k1#aa"})
    with pytest.raises(Conflict) as e:
        people.customers.create(customer(2), {"phone": "k1#bb", "email": "k1#aa"})
    assert e.value.code == "identity_taken"
    assert [f.field for f in e.value.fields] == ["email"]
    assert people.customers.get("acme", "c2") is None
    assert people.customers.find("acme", "phone", "k1#bb") is None
    assert people.gate("c2") is None
    with pytest.raises(Conflict) as e:
        people.customers.create(customer(1), {"phone": "k1#cc"})
    assert e.value.code == "already_exists"


def test_a_change_moves_identities_and_the_zone_or_nothing(people: People) -> None:
    people.customers.create(customer(1, zone="UTC"), {"email": "k1#aa"})
    people.customers.create(customer(2), {"email": "k1#bb"})
    second = customer(1, version=2, zone="Asia/Dhaka")
    with pytest.raises(Conflict):
        people.customers.update(second, 1, {"email": "k1#bb"}, {"email": "k1#aa"}, zone_changed=True)
    assert people.gate("c1") == (1, "UTC")
    people.customers.update(second, 1, {"email": "k1#cc"}, {"email": "k1#aa"}, zone_changed=True)
    assert people.customers.get("acme", "c1") == second
    assert people.customers.find("acme", "email", "k1#aa") is None
    assert people.customers.find("acme", "email", "k1#cc") == "c1"
    assert people.gate("c1") == (2, "Asia/Dhaka")
    with pytest.raises(Stale):
        people.customers.update(replace(second, city="X"), 1, {}, {"email": "k1#cc"})
    people.customers.update(replace(second, version=3, zone=None), 2, {}, {}, zone_changed=True)
    assert people.gate("c1") == (3, None)


def test_a_plain_change_leaves_the_gate_and_guards_the_version(people: People) -> None:
    people.customers.create(customer(1, zone="UTC"), {"email": "k1#aa"})
    people.customers.update(customer(1, version=2, zone="UTC", city="Dhaka"), 1, {}, {})
    with pytest.raises(Stale):
        people.customers.update(customer(1, version=2, city="Sylhet"), 1, {}, {})
    with pytest.raises(Stale):
        people.customers.update(customer(9, version=2), 1, {}, {})
    stored = people.customers.get("acme", "c1")
    assert stored is not None
    assert stored.city == "Dhaka"
    assert people.gate("c1") == (1, "UTC")


def test_deletion_takes_profile_identities_and_gate_of_the_version_that_was_read(people: People) -> None:
    people.customers.create(customer(1), {"email": "k1#aa"})
    with pytest.raises(Stale):
        people.customers.delete(customer(1, version=7), {"email": "k1#aa"})
    people.customers.delete(customer(1), {"email": "k1#aa"})
    people.customers.delete(customer(1), {"email": "k1#aa"})
    assert people.customers.get("acme", "c1") is None
    assert people.customers.find("acme", "email", "k1#aa") is None
    assert people.gate("c1") is None


def test_pages_of_customers_hold_each_once_in_one_order(people: People) -> None:
    for n in range(7):
        people.customers.create(customer(n), {"external_id": f"k1#{n}"})
    people.customers.create(customer(99, tenant="acme2"), {"external_id": "k1#1"})
    whole = [c.id for c in people.customers.page("acme").items]
    assert sorted(whole) == [f"c{n}" for n in range(7)]
    seen: list[str] = []
    after = None
    while True:
        page = people.customers.page("acme", limit=3, after=after)
        seen += [c.id for c in page.items]
        after = page.after
        if after is None:
            break
    assert seen == whole


def test_each_event_is_stored_once_and_the_answer_says_so(events: Events) -> None:
    many = [event(n) for n in range(30)]
    assert events.add_many(many[:2]) == [True, True]
    assert events.add_many([*many, many[5]]) == [False, False, *[True] * 28, False]
    assert events.page("acme", "c1").items == tuple(reversed(many))
    assert events.add_many([]) == []


def test_an_event_without_a_clients_time_keeps_the_first(events: Events) -> None:
    told = event(1, has_client_time=False)
    assert events.add_many([told, replace(told, at=NOW + timedelta(hours=3))]) == [True, False]
    assert events.add_many([replace(told, at=NOW + timedelta(hours=5)), event(2)]) == [False, True]
    assert events.page("acme", "c1").items == (event(2), told)


def test_events_of_others_stay_apart_and_pages_follow_each_other(events: Events) -> None:
    events.add_many([event(n) for n in range(5)] + [event(1, customer_id="c2"), event(1, tenant="acme2")])
    first = events.page("acme", "c1", limit=2)
    second = events.page("acme", "c1", limit=2, after=first.after)
    third = events.page("acme", "c1", limit=2, after=second.after)
    assert [e.id for e in first.items + second.items + third.items] == ["e4", "e3", "e2", "e1", "e0"]
    assert third.after is None
    assert len(events.page("acme", "c2").items) == 1


def test_an_attribute_definition_comes_back_whole(substrate: Substrate) -> None:
    if substrate.is_memory:
        store: Any = memory_attributes()
    else:
        store = dynamo_attributes(bind(DocumentItem, substrate.tables["definitions"], REGION, substrate.endpoint))
    definition = AttributeDefinition("acme", "size", "number", NOW)
    store.add(definition)
    assert store.get("acme", "size") == definition


class Flaky:
    """Calls whose answers are scripted."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sizes: list[int] = []

    def __call__(self, operation: str, payload: Any) -> dict[str, Any]:
        self.sizes.append(len(payload.get("Statements", [])))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, CallError):
            raise answer
        return {"Responses": [{"Error": {"Code": code}} if code else {} for code in answer]}


def item(n: int) -> dict[str, Any]:
    return {"pk": {"S": f"p{n}"}, "sk": {"S": "s"}}


def test_a_throttled_statement_is_repeated_alone_and_never_dropped() -> None:
    calls = Flaky(
        [None, "ThrottlingError", "DuplicateItem", "ProvisionedThroughputExceeded"],
        CallError("ThrottlingException"),
        [None, "TransactionConflict"],
        [None],
    )
    pauses: list[float] = []
    batches = Batches(calls, "t", pause=pauses.append)
    assert batches.insert([item(n) for n in range(4)]) == [True, True, False, True]
    assert calls.sizes == [4, 2, 2, 1]
    assert pauses == [0.025, 0.05, 0.1]


def test_a_database_that_stays_busy_is_said_to_be_and_one_that_refuses_too() -> None:
    with pytest.raises(Throttled):
        Batches(Flaky(["ThrottlingError"]), "t", pause=lambda _s: None).insert([item(1)])
    with pytest.raises(Unavailable):
        Batches(Flaky(["ValidationError"]), "t", pause=lambda _s: None).insert([item(1)])


def test_a_transaction_in_somebodys_way_is_repeated() -> None:
    # Given two refusals because another transaction holds an item, then room
    conflict = CallError(
        "TransactionCanceledException",
        body={"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "None"}]},
    )
    calls = Flaky(conflict, conflict, [])
    # When
    DynamoCustomers(calls, "t", pause=lambda _s: None).create(customer(1), {"email": "k1#aa"})
    # Then
    assert len(calls.sizes) == 3
    with pytest.raises(Throttled):
        DynamoCustomers(Flaky(conflict), "t", pause=lambda _s: None).create(customer(1), {"email": "k1#aa"})
