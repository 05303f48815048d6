"""Events: stored once however often they are told, for a customer named in any way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meghdoot.areas.customers.model import Customer
from meghdoot.areas.customers.service import CustomerInput, CustomerService, EventInput
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Conflict, Invalid, NotFound
from meghdoot.kernel.money import Money

AT = datetime(2026, 1, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def ann(service: CustomerService) -> Customer:
    given = CustomerInput(email="ann@example.com", phone="01712345678", external_id="a-1")
    return service.upsert("acme", given)[0]


def purchase(**fields: Any) -> EventInput:
    return EventInput(**({"type": "purchase", "email": "ann@example.com", "event_id": "e1", "at": AT} | fields))


def test_an_event_told_five_times_is_one_event(service: CustomerService, ann: Customer) -> None:
    fates = [service.record_event("acme", purchase(amount=Money(100, "BDT")))[1] for _ in range(5)]
    assert fates == ["created"] + ["duplicate"] * 4
    (event,) = service.timeline("acme", ann.id).items
    assert (event.amount, event.at, event.customer_id) == (Money(100, "BDT"), AT, ann.id)


def test_an_event_without_a_time_is_known_by_its_id_alone(
    service: CustomerService, ann: Customer, clock: ManualClock
) -> None:
    first, stored = service.record_event("acme", purchase(at=None))
    clock.advance(hours=2)
    again, repeated = service.record_event("acme", purchase(at=None))
    assert (stored, repeated) == ("created", "duplicate")
    assert [e.at for e in service.timeline("acme", ann.id).items] == [first.at]
    assert first.has_client_time is False
    assert again.id == first.id


def test_events_without_an_id_are_each_their_own(service: CustomerService, ann: Customer) -> None:
    results = service.record_events("acme", [purchase(event_id=None), purchase(event_id=None)])
    assert [r.stored for r in results] == ["created", "created"]
    assert len(service.timeline("acme", ann.id).items) == 2


@pytest.mark.parametrize("by", [{"email": "ANN@example.com"}, {"phone": "০১৭১২৩৪৫৬৭৮"}, {"external_id": "a-1"}])
def test_the_customer_is_named_by_any_identity(service: CustomerService, ann: Customer, by: dict[str, str]) -> None:
    event, _ = service.record_event("acme", EventInput("page_view", **by))  # type: ignore[arg-type]
    assert event.customer_id == ann.id


def test_the_customer_is_named_by_id(service: CustomerService, ann: Customer) -> None:
    event, _ = service.record_event("acme", EventInput("page_view", customer_id=ann.id))
    assert event.customer_id == ann.id
    with pytest.raises(NotFound):
        service.record_event("other", EventInput("page_view", customer_id=ann.id))


def test_names_of_two_people_are_a_conflict(service: CustomerService, ann: Customer) -> None:
    bob, _ = service.upsert("acme", CustomerInput(email="bob@example.com"))
    with pytest.raises(Conflict):
        service.record_event("acme", EventInput("page_view", customer_id=bob.id, email="ann@example.com"))


def test_an_unknown_customer_is_that_events_error_unless_people_are_to_be_created(service: CustomerService) -> None:
    batch = [purchase(email="new@example.com", event_id=f"e{n}") for n in range(3)]
    assert [type(r.error) for r in service.record_events("acme", batch)] == [NotFound] * 3
    results = service.record_events("acme", batch, create_missing=True)
    assert [r.stored for r in results] == ["created"] * 3
    assert len({r.event.customer_id for r in results if r.event}) == 1
    assert len(service.page("acme").items) == 1


def test_an_unknown_id_creates_nobody(service: CustomerService) -> None:
    (result,) = service.record_events("acme", [EventInput("signup", customer_id="x")], create_missing=True)
    assert isinstance(result.error, NotFound)


def test_a_batch_gives_each_event_its_own_fate_in_order(service: CustomerService, ann: Customer) -> None:
    results = service.record_events(
        "acme",
        [purchase(), purchase(type="Bad Type"), purchase(), purchase(email="no@x.test"), purchase(event_id="e2")],
    )
    assert [r.stored for r in results] == ["created", None, "duplicate", None, "created"]
    assert service.record_events("acme", []) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", ""), ("type", "Purchase"), ("type", "page view"), ("type", "x" * 65), ("type", 5), ("type", "1st"),
        ("event_id", ""), ("event_id", "a b"), ("event_id", "x" * 129), ("event_id", "ক"), ("event_id", 7),
        ("at", AT.replace(tzinfo=None)), ("at", datetime(1969, 1, 1, tzinfo=UTC)), ("at", datetime(2026, 1, 6, 9, 1, tzinfo=UTC)),
        ("at", "2026-01-04T00:00:00Z"), ("order_id", ""), ("order_id", "a\nb"), ("order_id", "x" * 129),
        ("properties", {"a": {"b": 1}}), ("properties", {"a": [1]}), ("properties", {"a": None}), ("properties", {"": 1}),
        ("properties", {"a": float("nan")}), ("properties", {"a": float("inf")}), ("properties", {"a": 10**400}),
        ("properties", {"a": "\ud800"}), ("properties", {"a b": 1}), ("properties", {f"p{n}": n for n in range(51)}),
        ("properties", [1]), ("properties", {"a": "x" * 1001}), ("email", "bad"), ("phone", "bad"), ("external_id", "\x00"),
    ],
)  # fmt: skip
def test_002_a_wrong_field_of_an_event_is_named_and_nothing_is_stored(
    service: CustomerService, ann: Customer, field: str, value: object
) -> None:
    with pytest.raises(Invalid) as e:
        service.record_event("acme", purchase(**{field: value}))
    assert {f.field.partition(".")[0] for f in e.value.fields} == {field}
    assert service.timeline("acme", ann.id).items == ()


@pytest.mark.parametrize(
    "amount",
    [Money(-1, "BDT"), Money(10**15 + 1, "BDT"), Money(1, "bdt"), Money(1.5, "BDT"), Money(True, "BDT"), 0.3, 5, "5"],  # type: ignore[arg-type]
)
def test_014_an_amount_is_whole_minor_units_of_a_currency(
    service: CustomerService, ann: Customer, amount: object
) -> None:
    with pytest.raises(Invalid) as e:
        service.record_event("acme", purchase(amount=amount))
    assert [f.field for f in e.value.fields] == ["amount"]


def test_014_no_float_becomes_money() -> None:
    assert Money.of("0.30", "BDT") == Money(30, "BDT")
    for bad in ("1.234", "NaN", "Infinity", "1e400", "x"):
        with pytest.raises(ValueError):
            Money.of(bad, "BDT")


def test_an_event_needs_somebody_who_did_it(service: CustomerService) -> None:
    with pytest.raises(Invalid):
        service.record_event("acme", EventInput("signup"))


def test_a_client_clock_may_be_a_day_ahead(service: CustomerService, ann: Customer, clock: ManualClock) -> None:
    assert service.record_event("acme", purchase(at=clock.now() + timedelta(days=1)))[1] == "created"


def test_flat_properties_come_back_as_they_are(service: CustomerService, ann: Customer) -> None:
    properties = {"sku": "আম", "qty": 2, "price": 1.5, "gift": True, "note": ""}
    service.record_event("acme", purchase(properties=properties))
    assert service.timeline("acme", ann.id).items[0].properties == properties


def test_a_timeline_is_newest_first_in_pages(service: CustomerService, ann: Customer) -> None:
    service.record_events("acme", [purchase(event_id=f"e{n}", at=AT + timedelta(minutes=n)) for n in range(5)])
    first = service.timeline("acme", ann.id, limit=3)
    second = service.timeline("acme", ann.id, limit=3, after=first.after)
    assert [e.id for e in first.items + second.items] == ["e4", "e3", "e2", "e1", "e0"]
    assert second.after is None
    with pytest.raises(NotFound):
        service.timeline("other", ann.id)
