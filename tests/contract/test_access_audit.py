"""Keys and the audit log behave alike on every substrate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.adapters.dynamodb.access import DynamoAuditLog, dynamo_keys
from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.models import DocumentItem, bind
from meghdoot.adapters.memory.access import MemoryAuditLog, memory_keys
from meghdoot.areas.access.model import ApiKey, AuditEntry
from meghdoot.areas.access.ports import ApiKeys, AuditLog
from tests.contract.conftest import REGION, Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def audit(substrate: Substrate) -> AuditLog:
    if substrate.is_memory:
        return MemoryAuditLog()
    return DynamoAuditLog(BotoCalls(substrate.client("dynamodb")), substrate.tables["definitions"])


@pytest.fixture
def api_keys(substrate: Substrate) -> ApiKeys:
    if substrate.is_memory:
        return memory_keys()
    return dynamo_keys(bind(DocumentItem, substrate.tables["definitions"], REGION, substrate.endpoint))


def entry(n: int, tenant: str = "acme") -> AuditEntry:
    return AuditEntry(tenant, f"id{n}", NOW + timedelta(days=20 * n), "key:a", "campaign.launch", "c1", detail="আ")


def test_entries_come_newest_first_over_months_in_pages(audit: AuditLog) -> None:
    for n in (2, 0, 4, 1, 3):
        audit.append(entry(n))
    first = audit.page("acme", limit=2)
    second = audit.page("acme", limit=2, after=first.after)
    third = audit.page("acme", limit=2, after=second.after)
    assert first.items + second.items + third.items == tuple(entry(n) for n in (4, 3, 2, 1, 0))
    assert third.after is None
    assert audit.page("acme", limit=5).after is None


def test_an_entry_told_twice_is_one_and_is_never_rewritten(audit: AuditLog) -> None:
    audit.append(entry(1))
    audit.append(replace(entry(1), actor="key:forger"))
    assert audit.page("acme").items == (entry(1),)


def test_each_tenant_reads_its_own_log(audit: AuditLog) -> None:
    audit.append(entry(1, "t1"))
    assert audit.page("t10").items == ()
    assert audit.page("t1").items == (entry(1, "t1"),)


def test_a_key_comes_back_whole(api_keys: ApiKeys) -> None:
    key = ApiKey("acme", "k1", "shop", "editor", ("events:write",), "ab" * 32, "key:root", NOW, NOW)
    api_keys.add(key)
    rotated = replace(key, expires_at=NOW, replaced_by="k2", version=2)
    api_keys.replace(rotated, 1)
    assert api_keys.get("acme", "k1") == rotated
