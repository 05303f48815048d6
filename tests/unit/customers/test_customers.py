"""Profiles: found by any identity, changed only where told, never two people in one."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.adapters.memory.customers import MemoryCustomers
from meghdoot.areas.customers import rules
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.customers.service import CustomerInput, CustomerService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Conflict, Invalid, NotFound, Stale, Unavailable
from meghdoot.kernel.keyring import Keyring

ANN = CustomerInput(email="Ann@Example.com", phone="01712345678", external_id="a-1", first_name="Ann")


def wrong_fields(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {f.field for f in error.value.fields}


def upsert(service: CustomerService, **fields: Any) -> tuple[Customer, str]:
    return service.upsert("acme", CustomerInput(**fields))


def test_a_new_person_gets_a_profile_and_a_gate_with_their_zone(service: CustomerService) -> None:
    customer, stored = service.upsert("acme", replace(ANN, zone="Asia/Dhaka"))
    assert stored == "created"
    assert (customer.email, customer.phone) == ("ann@example.com", "+8801712345678")
    gate = service.customers.gates.get("acme", customer.id)  # type: ignore[attr-defined]
    assert (gate.version, gate.zone, gate.granted) == (1, "Asia/Dhaka", frozenset())


@pytest.mark.parametrize("by", [{"email": "ANN@example.COM "}, {"phone": "০১৭১২৩৪৫৬৭৮"}, {"external_id": "a-1"}])
def test_any_identity_in_any_spelling_finds_the_same_person(service: CustomerService, by: dict[str, str]) -> None:
    ann, _ = service.upsert("acme", ANN)
    found, stored = upsert(service, **by)
    assert (found, stored) == (ann, "unchanged")
    ((kind, text),) = by.items()
    assert service.find("acme", kind, text) == ann  # type: ignore[arg-type]


def test_only_given_fields_change_and_none_clears(service: CustomerService, clock: ManualClock) -> None:
    ann, _ = service.upsert("acme", replace(ANN, last_name="Rahman", city="Dhaka"))
    clock.advance(hours=1)
    changed, stored = upsert(service, external_id="a-1", city=None, first_name="Anna")
    assert stored == "updated"
    assert (changed.first_name, changed.last_name, changed.city) == ("Anna", "Rahman", None)
    assert (changed.version, changed.updated_at) == (2, clock.now())
    assert service.get("acme", ann.id) == changed


def test_the_same_again_writes_nothing(service: CustomerService, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, _ = service.upsert("acme", replace(ANN, tags=("b", "a")))
    for writer in ("update", "create"):
        monkeypatch.setattr(service.customers, writer, lambda *_a, **_k: pytest.fail("wrote"))
    assert service.upsert("acme", replace(ANN, tags=("a", "b", "a"))) == (ann, "unchanged")


def test_identities_of_two_people_are_a_conflict_and_change_nothing(service: CustomerService) -> None:
    ann, _ = upsert(service, email="ann@example.com")
    bob, _ = upsert(service, phone="01812345678")
    with pytest.raises(Conflict) as e:
        upsert(service, email="ann@example.com", phone="01812345678")
    assert e.value.code == "identity_conflict"
    with pytest.raises(Conflict):
        upsert(service, customer_id=bob.id, email="ann@example.com")
    assert service.get("acme", ann.id) == ann
    assert service.get("acme", bob.id) == bob


def test_a_changed_address_frees_the_old_one_for_somebody_else(service: CustomerService) -> None:
    ann, _ = service.upsert("acme", ANN)
    upsert(service, external_id="a-1", email="anna@example.com")
    new, stored = upsert(service, email="ann@example.com")
    assert stored == "created"
    assert new.id != ann.id
    assert service.find("acme", "email", "anna@example.com").id == ann.id


def test_somebody_without_any_identity_is_refused(service: CustomerService) -> None:
    for fields in ({}, {"first_name": "Ann"}, {"email": None}):
        with pytest.raises(Invalid):
            upsert(service, **fields)
    ann, _ = upsert(service, email="ann@example.com")
    with pytest.raises(Invalid):
        upsert(service, customer_id=ann.id, email=None)


def test_an_unknown_id_is_not_found_and_another_tenants_too(service: CustomerService) -> None:
    ann, _ = service.upsert("acme", ANN)
    for act in (
        lambda: service.get("other", ann.id),
        lambda: service.delete("other", ann.id),
        lambda: service.find("other", "email", "ann@example.com"),
        lambda: service.upsert("other", CustomerInput(customer_id=ann.id, first_name="X")),
    ):
        with pytest.raises(NotFound):
            act()


def test_023_tenants_with_names_that_begin_alike_share_nobody(service: CustomerService) -> None:
    one, _ = service.upsert("t1", ANN)
    ten, stored = service.upsert("t10", ANN)
    assert stored == "created"
    assert one.id != ten.id
    assert [c.id for c in service.page("t1").items] == [one.id]


def test_011_a_reader_of_an_old_version_changes_nothing(service: CustomerService) -> None:
    ann, _ = service.upsert("acme", ANN)
    service.upsert("acme", CustomerInput(customer_id=ann.id, city="Dhaka"), expected_version=1)
    with pytest.raises(Stale):
        service.upsert("acme", CustomerInput(customer_id=ann.id, city="Sylhet"), expected_version=1)
    assert service.get("acme", ann.id).city == "Dhaka"


def test_a_new_zone_reaches_the_gate_and_raises_its_version(service: CustomerService) -> None:
    ann, _ = service.upsert("acme", replace(ANN, zone="Asia/Dhaka"))
    gates = service.customers.gates  # type: ignore[attr-defined]
    upsert(service, customer_id=ann.id, city="Dhaka")
    assert gates.get("acme", ann.id).version == 1
    upsert(service, customer_id=ann.id, zone="Europe/Berlin")
    assert (gates.get("acme", ann.id).zone, gates.get("acme", ann.id).version) == ("Europe/Berlin", 2)


def test_deletion_removes_the_person_their_identities_and_their_gate(service: CustomerService) -> None:
    ann, _ = service.upsert("acme", ANN)
    service.delete("acme", ann.id)
    with pytest.raises(NotFound):
        service.get("acme", ann.id)
    assert service.customers.gates.get("acme", ann.id) is None  # type: ignore[attr-defined]
    again, stored = service.upsert("acme", ANN)
    assert stored == "created"
    assert again.id != ann.id


def test_a_deletion_that_raced_a_change_leaves_no_identity_behind(
    service: CustomerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an address that changes just before the deletion is written
    ann, _ = service.upsert("acme", ANN)
    original, raced = service.customers.delete, []

    def delete(customer: Customer, keys: Any) -> None:
        if not raced:
            raced.append(upsert(service, customer_id=ann.id, email="new@example.com"))
        original(customer, keys)

    monkeypatch.setattr(service.customers, "delete", delete)
    # When
    service.delete("acme", ann.id)
    # Then
    assert upsert(service, email="new@example.com")[1] == "created"


def test_two_who_create_the_same_person_at_once_make_one(
    service: CustomerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given somebody who is faster between our look and our write
    original, faster = service.customers.create, []

    def create(customer: Customer, keys: Any) -> None:
        if not faster:
            faster.append(replace(customer, id="faster"))
            original(faster[0], keys)
        original(customer, keys)

    monkeypatch.setattr(service.customers, "create", create)
    # When
    customer, stored = service.upsert("acme", replace(ANN, city="Dhaka"))
    # Then
    assert (customer.id, stored) == ("faster", "unchanged")


def test_eight_threads_make_one_customer_of_one_person(service: CustomerService) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _n: service.upsert("acme", ANN), range(64)))
    assert len({customer.id for customer, _ in made}) == 1
    assert [stored for _, stored in made].count("created") == 1


def test_after_a_key_rotation_people_are_still_found_changed_and_deleted(service: CustomerService) -> None:
    # Given
    ann, _ = service.upsert("acme", ANN)
    rotated = replace(service, keyring=Keyring({"k1": b"1" * 32, "k2": b"2" * 32}, "k2"))
    # When
    assert rotated.upsert("acme", ANN) == (ann, "unchanged")
    rotated.upsert("acme", CustomerInput(external_id="a-1", email="new@example.com"))
    # Then
    assert rotated.upsert("acme", CustomerInput(email="ann@example.com"))[1] == "created"
    rotated.delete("acme", ann.id)
    assert rotated.upsert("acme", CustomerInput(phone="01712345678"))[1] == "created"


def test_a_batch_gives_each_its_own_fate_in_order(service: CustomerService) -> None:
    results = service.upsert_many(
        "acme",
        [ANN, CustomerInput(email="bad"), ANN, CustomerInput(customer_id="nobody"), CustomerInput(email="b@x.test")],
    )
    assert [r.stored for r in results] == ["created", None, "unchanged", None, "created"]
    assert isinstance(results[1].error, Invalid)
    assert isinstance(results[3].error, NotFound)


def test_an_outage_is_nobodys_own_fate(service: CustomerService, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: Any) -> None:
        raise Unavailable("down")

    monkeypatch.setattr(service.customers, "create", down)
    with pytest.raises(Unavailable):
        service.upsert_many("acme", [ANN])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", 5), ("first_name", True), ("first_name", ""), ("first_name", "x" * 101), ("first_name", "a\x00"),
        ("first_name", "a\nb"), ("first_name", "\ud800"), ("first_name", "\u202eevil"), ("first_name", ["a"]),
        ("language", "de"), ("zone", "Mars/Base"), ("zone", 3), ("country", "BGD"), ("country", "1x"),
        ("birth_date", "2026-02-30"), ("birth_date", "1899-12-31"), ("birth_date", "05/01/1990"), ("birth_date", "2026-01-06"),
        ("birth_date", 19900105), ("tags", "vip"), ("tags", ("",)), ("tags", ("x" * 51,)), ("tags", tuple(map(str, range(51)))),
        ("tags", ("a\x00",)), ("is_active", 1), ("is_active", None), ("is_active", "yes"), ("external_id", " "),
        ("external_id", "x" * 129), ("email", 5), ("email", "a@b"), ("phone", "110"), ("phone", 1712345678),
    ],
)  # fmt: skip
def test_002_a_wrong_field_is_refused_by_name_and_nothing_is_stored(
    service: CustomerService, field: str, value: object
) -> None:
    with pytest.raises(Invalid) as e:
        upsert(service, **({"email": "ann@example.com"} | {field: value}))
    assert {name.partition(".")[0] for name in wrong_fields(e)} == {field}
    assert service.page("acme").items == ()


def test_002_every_wrong_field_is_named_at_once(service: CustomerService) -> None:
    with pytest.raises(Invalid) as e:
        upsert(service, email="bad", phone="bad", zone="bad", first_name="ok")
    assert wrong_fields(e) == {"email", "phone", "zone"}


@pytest.mark.parametrize("name", ["আনিসুর রহমান", "ক্‌ষ", "র‍্যাব", "Zoë 😀", "Zoe\u0308", "ড়"])
def test_005_names_round_trip_in_one_composition(service: CustomerService, name: str) -> None:
    customer, _ = upsert(service, email="ann@example.com", first_name=name)
    assert customer.first_name == unicodedata.normalize("NFC", name)
    assert upsert(service, email="ann@example.com", first_name=unicodedata.normalize("NFD", name))[1] == "unchanged"


@given(st.text(alphabet=st.characters(codec=None), max_size=120))
def test_005_any_text_is_stored_composed_or_refused(text: str) -> None:
    try:
        cleaned = rules.clean_line("first_name", text)
    except Invalid:
        return
    assert cleaned == unicodedata.normalize("NFC", text.strip())
    cleaned.encode()


def test_an_undeclared_attribute_is_refused_and_a_declared_one_is_typed(service: CustomerService) -> None:
    with pytest.raises(Invalid) as e:
        upsert(service, email="ann@example.com", attributes={"shoe_size": 39})
    assert wrong_fields(e) == {"attributes.shoe_size"}
    service.declare_attribute("acme", "shoe_size", "number")
    assert upsert(service, email="ann@example.com", attributes={"shoe_size": 39})[0].attributes == {"shoe_size": 39}
    with pytest.raises(Invalid):
        upsert(service, email="ann@example.com", attributes={"shoe_size": "39"})
    with pytest.raises(Invalid):
        service.upsert("other", CustomerInput(email="ann@example.com", attributes={"shoe_size": 39}))


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("text", "x", ["", 5, True, "a\x00", "x" * 1001]),
        ("number", 1.5, ["1", True, float("nan"), float("inf"), 10**16]),
        ("boolean", False, [0, "false", 1]),
        ("date", "2026-02-28", ["2026-02-30", "28.02.2026", 5, "2026-02-28T00:00"]),
    ],
)
def test_002_each_type_takes_its_own(service: CustomerService, type_: Any, good: Any, bad: list[Any]) -> None:
    service.declare_attribute("acme", "thing", type_)
    assert upsert(service, email="a@x.test", attributes={"thing": good})[0].attributes == {"thing": good}
    for value in bad:
        with pytest.raises(Invalid):
            upsert(service, email="a@x.test", attributes={"thing": value})


def test_attributes_merge_by_name_and_none_removes(service: CustomerService) -> None:
    for name in ("a", "b", "c"):
        service.declare_attribute("acme", name, "number")
    upsert(service, email="a@x.test", attributes={"a": 1, "b": 2})
    assert upsert(service, email="a@x.test", attributes={"b": None, "c": 3})[0].attributes == {"a": 1, "c": 3}
    assert upsert(service, email="a@x.test")[0].attributes == {"a": 1, "c": 3}
    assert upsert(service, email="a@x.test", attributes=None)[0].attributes == {}


def test_an_import_declares_what_it_meets_first_and_then_holds_to_it(service: CustomerService) -> None:
    results = service.upsert_many(
        "acme",
        [
            CustomerInput(email="a@x.test", attributes={"size": 39, "vip": True, "since": "2026-01-01"}),
            CustomerInput(email="b@x.test", attributes={"size": "large"}),
        ],
        declare=True,
    )
    assert results[0].stored == "created"
    assert isinstance(results[1].error, Invalid)
    types = {d.id: d.type for d in service.list_attributes("acme")}
    assert types == {"size": "number", "vip": "boolean", "since": "text"}


@pytest.mark.parametrize("name", ["", "Size", "1st", "a-b", "email", "version", "x" * 64, "a b", "আকার"])
def test_an_attribute_has_a_name_in_snake_case_that_is_no_field(service: CustomerService, name: str) -> None:
    with pytest.raises(Invalid):
        service.declare_attribute("acme", name, "text")


def test_an_attribute_keeps_its_type(service: CustomerService) -> None:
    first = service.declare_attribute("acme", "size", "number")
    assert service.declare_attribute("acme", "size", "number") == first
    with pytest.raises(Conflict):
        service.declare_attribute("acme", "size", "text")
    with pytest.raises(Invalid):
        service.declare_attribute("acme", "other", "list")  # type: ignore[arg-type]


def test_a_tenant_has_a_limited_number_of_attributes(service: CustomerService) -> None:
    many = {f"a{n}": n for n in range(201)}
    results = service.upsert_many("acme", [CustomerInput(email="a@x.test", attributes=many)], declare=True)
    assert results[0].error is not None
    assert results[0].error.code == "too_many_attributes"


def test_pages_hold_everybody_once(service: CustomerService) -> None:
    everyone = {upsert(service, email=f"a{n}@x.test")[0].id for n in range(23)}
    seen: list[str] = []
    after = None
    while True:
        page = service.page("acme", limit=5, after=after)
        seen += [c.id for c in page.items]
        after = page.after
        if after is None:
            break
    assert set(seen) == everyone
    assert len(seen) == 23


def test_keys_of_a_customer_are_of_their_own_tenant(service: CustomerService) -> None:
    ann, _ = service.upsert("acme", ANN)
    assert set(rules.identity_keys(service.keyring, "acme", ann)) == {"email", "phone", "external_id"}
    with pytest.raises(ValueError):
        rules.identity_keys(service.keyring, "other", ann)


def test_memory_customers_without_a_store_of_gates_have_their_own() -> None:
    assert MemoryCustomers().gates is not MemoryCustomers().gates
