"""Suppressions meet every spelling of an address, whoever comes with it, and under every key of the ring."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meghdoot.areas.customers.inputs import CustomerInput
from meghdoot.kernel.errors import Invalid, NotFound
from meghdoot.kernel.keyring import Keyring
from meghdoot.wiring.services import Services
from tests.support.memory_services import memory_ports, memory_services


@pytest.fixture
def services() -> Services:
    return memory_services()


def grant(services: Services, customer_id: str) -> frozenset[str]:
    services.consent.record("acme", customer_id, "sms", "marketing", "granted", source="api", text_version="v1")
    return services.consent.gate("acme", customer_id).granted


@pytest.mark.parametrize(
    "spelling", ["01712345678", "+8801712345678", "008801712345678", "০১৭১২৩৪৫৬৭৮", " 01712-345678 "]
)
def test_017_all_spellings_of_a_phone_meet_one_suppression(services: Services, spelling: str) -> None:
    services.addresses.suppress("acme", "sms", "01712345678", "manual")
    assert services.addresses.suppression("acme", "sms", spelling).reason == "manual"
    customer, _ = services.addresses.upsert("acme", CustomerInput(phone=spelling))
    assert grant(services, customer.id) == frozenset()


def test_016_all_spellings_of_an_address_meet_one_suppression(services: Services) -> None:
    services.addresses.suppress("acme", "email", "Gone@Bücher.example", "complaint")
    assert services.addresses.suppression("acme", "email", "gone@xn--bcher-kva.example").reason == "complaint"
    with pytest.raises(Invalid):
        services.addresses.suppress("acme", "email", "a@example.com, b@example.com", "manual")


def test_an_address_that_moves_to_a_customer_closes_their_channel(services: Services) -> None:
    customer, _ = services.addresses.upsert("acme", CustomerInput(external_id="x1", phone="01712345678"))
    assert grant(services, customer.id) == {"sm:m"}
    services.addresses.suppress("acme", "sms", "01812345678", "manual")
    services.addresses.upsert("acme", CustomerInput(external_id="x1", phone="01812345678"))
    assert services.consent.gate("acme", customer.id).granted == frozenset()


def test_a_suppression_outlives_the_rotation_of_keys() -> None:
    ports = memory_ports()
    memory_services(ports).addresses.suppress("acme", "email", "a@example.com", "hard_bounce")
    rotated = memory_services(replace(ports, keyring=Keyring({"k1": b"1" * 32, "k2": b"2" * 32}, "k2")))
    assert rotated.addresses.suppression("acme", "email", "a@example.com").reason == "hard_bounce"
    customer, _ = rotated.addresses.upsert("acme", CustomerInput(email="a@example.com"))
    assert rotated.consent.gate("acme", customer.id).suppressed == {"em"}
    rotated.addresses.lift("acme", "email", "a@example.com")
    with pytest.raises(NotFound):
        rotated.addresses.suppression("acme", "email", "a@example.com")


def test_023_a_suppression_of_one_tenant_says_nothing_to_another(services: Services) -> None:
    services.addresses.suppress("t1", "email", "a@example.com", "manual")
    with pytest.raises(NotFound):
        services.addresses.suppression("t10", "email", "a@example.com")


def test_push_has_no_addresses(services: Services) -> None:
    with pytest.raises(Invalid) as e:
        services.addresses.suppress("acme", "push", "a@example.com", "manual")
    assert e.value.fields[0].code == "no_addresses"
