"""Keys: shown once, stored as a hash, and saying nothing about why they do not open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from meghdoot.adapters.memory.access import MemoryAuditLog, memory_keys
from meghdoot.areas.access import rules
from meghdoot.areas.access.model import ROLES, ApiKey, Role, Scope
from meghdoot.areas.access.service import AccessService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Stale, Unauthenticated
from meghdoot.kernel.ids import SystemIds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(clock: ManualClock) -> AccessService:
    noise = iter(range(1, 250))
    return AccessService(memory_keys(), MemoryAuditLog(), clock, SystemIds(clock), lambda n: bytes([next(noise)]) * n)


def made(service: AccessService, role: Role = "editor", scopes: tuple[str, ...] | None = None) -> tuple[ApiKey, str]:
    return service.create_key("acme", "shop server", role, scopes, "key:root")


def actions(service: AccessService) -> list[str]:
    return sorted(e.action for e in service.audit_page("acme").items)


def test_a_key_opens_its_tenant_with_its_role(service: AccessService) -> None:
    key, text = made(service)
    who = service.authenticate(text)
    assert (who.tenant, who.actor, who.role) == ("acme", f"key:{key.id}", "editor")
    assert who.scopes == rules.ROLE_SCOPES["editor"]
    assert text.startswith(f"mdk.acme.{key.id}.")


def test_024_only_a_hash_of_the_secret_is_stored(service: AccessService) -> None:
    key, text = made(service)
    secret = text.rpartition(".")[2]
    assert secret not in repr(service.keys.get("acme", key.id))
    assert key.secret_hash == rules.secret_hash(secret)
    assert secret not in repr(rules.parse_key(text))


def test_018_whatever_is_wrong_with_a_key_gets_the_same_answer(service: AccessService, clock: ManualClock) -> None:
    # Given
    key, text = made(service)
    other, other_text = service.create_key("other", "x", "admin", None, "key:root")
    secret, other_secret = text.rpartition(".")[2], other_text.rpartition(".")[2]
    revoked, revoked_text = made(service)
    service.revoke("acme", revoked.id, "key:root")
    bad = [
        "", " ", "mdk", "Bearer x", "mdk...", f"mdk.acme.{key.id}.", f"mdk.acme.{key.id}", text + ".x", text + "x",
        f"mdk.other.{key.id}.{secret}", f"mdk.acme.{key.id}.{other_secret}", f"mdk.acme.{other.id}.{other_secret}",
        f"mdk..{key.id}.{secret}", f"xyz.acme.{key.id}.{secret}", text.upper(), text[:-1] + "é", "a" * 100_000,
        f"mdk.acme.{key.id}.{'A' * 43}", f"mdk.acme.00000000-0000-7000-8000-000000000000.{secret}", revoked_text,
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", text[:-1] + ("A" if text[-1] != "A" else "B"),
    ]  # fmt: skip
    # When
    answers = set()
    for candidate in bad:
        with pytest.raises(Unauthenticated) as e:
            service.authenticate(candidate)
        answers.add((e.value.code, e.value.detail))
    # Then
    assert len(answers) == 1
    assert service.authenticate(text).actor == f"key:{key.id}"


def test_024_a_rotated_key_works_until_the_overlap_ends_and_its_successor_goes_on(
    service: AccessService, clock: ManualClock
) -> None:
    # Given
    old, old_text = made(service, scopes=("events:write",))
    # When
    new, new_text = service.rotate("acme", old.id, timedelta(hours=1), "key:root")
    # Then
    assert (new.role, new.scopes, new.name) == (old.role, old.scopes, old.name)
    assert service.get("acme", old.id).replaced_by == new.id
    clock.advance(seconds=3599)
    assert service.authenticate(old_text).actor == f"key:{old.id}"
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        service.authenticate(old_text)
    assert service.authenticate(new_text).actor == f"key:{new.id}"
    assert actions(service) == ["key.create", "key.rotate"]


def test_024_a_revoked_key_fails_at_once_and_revoking_twice_is_one_act(service: AccessService) -> None:
    key, text = made(service)
    assert service.revoke("acme", key.id, "key:root") == service.revoke("acme", key.id, "key:root")
    with pytest.raises(Unauthenticated):
        service.authenticate(text)
    assert actions(service) == ["key.create", "key.revoke"]


def test_a_key_is_rotated_once(service: AccessService) -> None:
    key, _ = made(service)
    service.rotate("acme", key.id, timedelta(hours=1), "key:root")
    with pytest.raises(Conflict):
        service.rotate("acme", key.id, timedelta(hours=1), "key:root")


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
def test_an_overlap_is_at_most_thirty_days(service: AccessService, overlap: timedelta) -> None:
    key, _ = made(service)
    with pytest.raises(Invalid):
        service.rotate("acme", key.id, overlap, "key:root")


def test_a_rotation_that_lost_a_race_leaves_no_second_key(
    service: AccessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, text = made(service)

    def late(_record: ApiKey, _expected: int) -> None:
        raise Stale("somebody else was faster")

    monkeypatch.setattr(service.keys, "replace", late)
    with pytest.raises(Stale):
        service.rotate("acme", key.id, timedelta(0), "key:root")
    assert [k.id for k in service.list("acme")] == [key.id]
    assert service.authenticate(text).actor == f"key:{key.id}"


def test_another_tenants_key_is_not_found(service: AccessService) -> None:
    key, _ = made(service)
    for act in (
        lambda: service.get("other", key.id),
        lambda: service.revoke("other", key.id, "x"),
        lambda: service.rotate("other", key.id, timedelta(0), "x"),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("viewer", {"customers:read", "reports:read"}, {"customers:write", "campaigns:launch", "audit:read"}),
        ("editor", {"customers:write", "events:write", "consent:write", "segments:write", "templates:write", "campaigns:write"}, {"campaigns:approve", "campaigns:launch", "keys:write", "settings:write"}),
        ("approver", {"campaigns:approve", "campaigns:launch", "campaigns:read"}, {"campaigns:write", "customers:write", "keys:write"}),
        ("admin", set(get_args(Scope)), set()),
    ],
)  # fmt: skip
def test_020_each_role_may_do_its_own(service: AccessService, role: Role, may: set[Scope], may_not: set[Scope]) -> None:
    who = service.authenticate(made(service, role)[1])
    for scope in may:
        service.require(who, scope)
    for scope in may_not:
        with pytest.raises(Forbidden):
            service.require(who, scope)


def test_020_the_matrix_covers_every_role_and_every_scope() -> None:
    assert set(rules.ROLE_SCOPES) == set(ROLES)
    assert set().union(*rules.ROLE_SCOPES.values()) == set(get_args(Scope))
    assert rules.ROLE_SCOPES["viewer"] < rules.ROLE_SCOPES["editor"] < rules.ROLE_SCOPES["admin"]


def test_scopes_narrow_a_role_and_cannot_widen_it(service: AccessService) -> None:
    who = service.authenticate(made(service, "editor", ("events:write",))[1])
    assert who.scopes == {"events:write"}
    for scopes in (("campaigns:launch",), ("keys:write", "events:write"), (), ("no:such",)):
        with pytest.raises(Invalid):
            made(service, "editor", scopes)
    widened = replace(made(service)[0], scopes=("keys:write",))
    assert rules.scopes_of(widened) == frozenset()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\rb", "a\x00", "x" * 101])
def test_a_key_has_a_name_of_one_line(service: AccessService, name: str) -> None:
    with pytest.raises(Invalid):
        service.create_key("acme", name, "viewer", None, "key:root")


def test_an_unknown_role_is_refused(service: AccessService) -> None:
    with pytest.raises(Invalid):
        service.create_key("acme", "x", "owner", None, "key:root")  # type: ignore[arg-type]


def test_a_secret_needs_all_its_bytes() -> None:
    with pytest.raises(ValueError):
        rules.secret_text(b"short")
