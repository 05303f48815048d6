"""Tenants: what their settings may be, and who may send from which address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meghdoot.adapters.memory.tenants import (
    MemoryIdentityOwners,
    MemoryIdentityVerifier,
    memory_senders,
    memory_tenants,
)
from meghdoot.areas.tenants import rules
from meghdoot.areas.tenants.model import Tenant
from meghdoot.areas.tenants.service import TenantService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Conflict, Invalid, NotFound, Stale

GOOD: dict[str, Any] = {
    "name": "Aarong", "postal_address": "Tejgaon, Dhaka 1208", "zone": "Asia/Dhaka", "currency": "BDT",
}  # fmt: skip


@pytest.fixture
def verifier() -> MemoryIdentityVerifier:
    return MemoryIdentityVerifier(at_once=False)


@pytest.fixture
def service(verifier: MemoryIdentityVerifier) -> TenantService:
    return TenantService(memory_tenants(), memory_senders(), MemoryIdentityOwners(), verifier, ManualClock())


def tenant(service: TenantService, tenant_id: str = "acme", **other: Any) -> Tenant:
    return service.create(tenant_id, **(GOOD | other))


def wrong_fields(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {f.field for f in error.value.fields}


def test_a_tenant_is_created_once_and_read_back(service: TenantService) -> None:
    made = tenant(service)
    assert service.get("acme") == made
    assert made.tenant == made.id == "acme"
    with pytest.raises(Conflict):
        tenant(service)


@pytest.mark.parametrize(
    "bad", ["", "a", "ab", "Acme", "a#b", "a*b", "a?b", "-abc", "abc-", "a b", "a" * 33, "t1\n", "আমার"]
)
def test_023_a_tenant_id_holds_no_separator_and_no_wildcard(service: TenantService, bad: str) -> None:
    with pytest.raises(Invalid) as e:
        tenant(service, bad)
    assert wrong_fields(e) == {"id"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "a\nb"), ("name", "x" * 101), ("name", "\u202eevil"), ("name", 5),
        ("postal_address", ""), ("postal_address", "   "), ("postal_address", "a\x00b"),
        ("privacy_url", "javascript:alert(1)"), ("privacy_url", "https://"), ("privacy_url", "https://a b"),
        ("privacy_url", "https://user@evil.test/"), ("privacy_url", "https://x:99999/"), ("privacy_url", "//x.test"),
        ("zone", "Asia/Atlantis"), ("zone", "BST"), ("zone", ""), ("zone", None),
        ("currency", "bdt"), ("currency", "BDTX"), ("currency", "BD"), ("currency", "BDT\n"),
        ("tracking_domain", "https://m.test"), ("tracking_domain", "m"), ("tracking_domain", "M.Test"),
        ("tracking_domain", "m.test/x"), ("tracking_domain", "-m.test"),
        ("attribution_days", 0), ("attribution_days", 91), ("attribution_days", True), ("attribution_days", 7.0),
        ("daily_cap", 0), ("daily_cap", -1), ("daily_cap", "3"), ("weekly_cap", 101),
        ("default_language", "de"), ("four_eyes", 1), ("test_only", "yes"), ("approval_required", None),
    ],
)  # fmt: skip
def test_002_a_wrong_setting_is_refused_by_name_and_nothing_changes(
    service: TenantService, field: str, value: object
) -> None:
    before = tenant(service)
    with pytest.raises(Invalid) as e:
        service.update("acme", {field: value}, 1)
    assert wrong_fields(e) == {field}
    assert service.get("acme") == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attribution_days", 1), ("attribution_days", 90), ("daily_cap", None), ("privacy_url", None),
        ("privacy_url", "https://shop.test/privacy?x=1"), ("tracking_domain", "m.shop.test"), ("zone", "UTC"),
        ("postal_address", "12 Road\nDhaka"), ("name", "আড়ং"), ("default_language", "bn"),
    ],
)  # fmt: skip
def test_the_edges_of_each_setting_are_inside(service: TenantService, field: str, value: object) -> None:
    tenant(service, four_eyes=True)
    assert getattr(service.update("acme", {field: value}, 1), field) == value or field == "name"


@pytest.mark.parametrize("field", ["id", "tenant", "version", "created_at", "updated_at", "balance"])
def test_021_what_is_not_a_setting_cannot_be_set(service: TenantService, field: str) -> None:
    tenant(service)
    with pytest.raises(Invalid) as e:
        service.update("acme", {field: "other"}, 1)
    assert wrong_fields(e) == {field}


def test_a_change_raises_the_version_and_an_old_reader_is_stale(service: TenantService) -> None:
    tenant(service)
    assert service.update("acme", {"daily_cap": 2}, 1).version == 2
    assert service.update("acme", {"daily_cap": 2}, 2).version == 2
    with pytest.raises(Stale):
        service.update("acme", {"daily_cap": 3}, 1)


def test_an_unknown_tenant_is_not_found(service: TenantService) -> None:
    with pytest.raises(NotFound):
        service.get("nobody")


def test_a_sender_waits_for_the_provider_and_is_verified_when_it_says_so(
    service: TenantService, verifier: MemoryIdentityVerifier
) -> None:
    # Given
    tenant(service)
    sender = service.add_sender("acme", " News@Shop.TEST ", "Aarong", "help@shop.test")
    assert (sender.id, sender.status) == ("news@shop.test", "pending")
    assert service.refresh_sender("acme", "news@shop.test").version == 1
    # When
    verifier.say("news@shop.test", "verified")
    # Then
    assert service.refresh_sender("acme", "news@shop.test").status == "verified"
    assert service.get_sender("acme", "NEWS@shop.test").version == 2
    assert [s.id for s in service.list_senders("acme")] == ["news@shop.test"]


def test_an_identity_belongs_to_one_tenant_until_it_is_given_up(service: TenantService) -> None:
    tenant(service)
    tenant(service, "other")
    service.add_sender("acme", "news@shop.test", "Aarong")
    with pytest.raises(Conflict) as e:
        service.add_sender("other", "NEWS@shop.test", "Not Aarong")
    assert e.value.code == "identity_taken"
    assert service.list_senders("other") == []
    service.remove_sender("acme", "news@shop.test")
    service.remove_sender("acme", "news@shop.test")
    assert service.add_sender("other", "news@shop.test", "Other").tenant == "other"


def test_an_address_in_a_domain_of_another_tenant_is_taken(service: TenantService) -> None:
    tenant(service)
    tenant(service, "other")
    assert service.add_sender("acme", "@Shop.test", "Aarong").id == "@shop.test"
    with pytest.raises(Conflict):
        service.add_sender("other", "info@shop.test", "Other")
    assert service.sender_for("acme", "info@shop.test").id == "@shop.test"
    with pytest.raises(NotFound):
        service.sender_for("other", "info@shop.test")


def test_removing_what_another_tenant_owns_changes_nothing(service: TenantService) -> None:
    tenant(service)
    service.add_sender("acme", "news@shop.test", "Aarong")
    service.remove_sender("other", "news@shop.test")
    assert service.owners.owner("news@shop.test") == "acme"


@pytest.mark.parametrize(
    "name",
    [
        "Aarong\r\nBcc: all@x.test",
        "Aarong\nX: y",
        "Aarong\r",
        "\tAarong",
        "a\x00",
        "a\u2028b",
        "a\x85b",
        "",
        "  ",
        "x" * 101,
    ],
)
def test_015_a_line_break_in_a_display_name_is_refused(service: TenantService, name: str) -> None:
    tenant(service)
    with pytest.raises(Invalid) as e:
        service.add_sender("acme", "news@shop.test", name)
    assert wrong_fields(e) == {"display_name"}
    assert service.owners.owner("news@shop.test") is None


@pytest.mark.parametrize("reply", ["help@shop.test\r\nBcc: a@x.test", "help@shop.test\n", "a@b.test, c@d.test", "x"])
def test_015_a_line_break_or_list_in_reply_to_is_refused(service: TenantService, reply: str) -> None:
    tenant(service)
    with pytest.raises(Invalid) as e:
        service.add_sender("acme", "news@shop.test", "Aarong", reply)
    assert wrong_fields(e) == {"reply_to"}


def test_a_bangla_display_name_is_kept_composed(service: TenantService) -> None:
    tenant(service)
    assert service.add_sender("acme", "news@shop.test", " আড়ং কো ").display_name == "আড়ং কো"


def test_an_identity_covers_itself_and_a_domain_covers_its_addresses(service: TenantService) -> None:
    tenant(service)
    sender = service.add_sender("acme", "news@shop.test", "Aarong")
    assert rules.covers(sender, "news@shop.test")
    assert not rules.covers(sender, "info@shop.test")
    assert rules.covers(replace(sender, id="@shop.test"), "info@shop.test")
    assert not rules.covers(replace(sender, id="@shop.test"), "info@evilshop.test")
