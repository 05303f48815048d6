"""Tenants, senders and identity owners behave alike on every substrate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.models import DocumentItem, bind
from meghdoot.adapters.dynamodb.tenants import DynamoIdentityOwners, dynamo_senders, dynamo_tenants
from meghdoot.adapters.email.ses_identity import SesIdentityVerifier
from meghdoot.adapters.memory.tenants import (
    MemoryIdentityOwners,
    MemoryIdentityVerifier,
    memory_senders,
    memory_tenants,
)
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.areas.tenants.ports import IdentityOwners, IdentityVerifier, Senders, Tenants
from meghdoot.kernel.errors import Conflict
from tests.contract.conftest import REGION, Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def owners(substrate: Substrate) -> IdentityOwners:
    if substrate.is_memory:
        return MemoryIdentityOwners()
    return DynamoIdentityOwners(BotoCalls(substrate.client("dynamodb")), substrate.tables["work"])


@pytest.fixture
def stores(substrate: Substrate) -> tuple[Tenants, Senders]:
    if substrate.is_memory:
        return memory_tenants(), memory_senders()
    model = bind(DocumentItem, substrate.tables["definitions"], REGION, substrate.endpoint)
    return dynamo_tenants(model), dynamo_senders(model)


def test_an_identity_has_one_owner(owners: IdentityOwners) -> None:
    assert owners.owner("news@shop.test") is None
    owners.claim("news@shop.test", "acme")
    owners.claim("news@shop.test", "acme")
    with pytest.raises(Conflict):
        owners.claim("news@shop.test", "other")
    assert owners.owner("news@shop.test") == "acme"


def test_only_the_owner_can_give_an_identity_up(owners: IdentityOwners) -> None:
    owners.claim("shop.test", "acme")
    owners.release("shop.test", "other")
    assert owners.owner("shop.test") == "acme"
    owners.release("shop.test", "acme")
    owners.release("shop.test", "acme")
    owners.claim("shop.test", "other")
    assert owners.owner("shop.test") == "other"


def test_tenants_and_senders_come_back_whole(stores: tuple[Tenants, Senders]) -> None:
    tenants, senders = stores
    tenant = Tenant(
        "acme", "আড়ং", "Dhaka", None, "Asia/Dhaka", "BDT", None, 7, "bn", True, False, 3, None, True, NOW, NOW
    )
    sender = SenderIdentity("acme", "@shop.test", "Aarong", None, "pending", NOW, NOW)
    tenants.add(tenant)
    senders.add(sender)
    assert tenants.get("acme", "acme") == tenant
    assert senders.all("acme") == [sender]
    assert senders.page("acme", status="verified").items == ()


@pytest.fixture(params=["memory", "moto"])
def verifier(request: pytest.FixtureRequest) -> Iterator[IdentityVerifier]:
    if request.param == "memory":
        yield MemoryIdentityVerifier(at_once=True)
        return
    with mock_aws():
        yield SesIdentityVerifier(boto3.client("sesv2", region_name=REGION))


def test_an_identity_that_the_provider_does_not_know_may_not_send(verifier: IdentityVerifier) -> None:
    assert verifier.status("news@shop.test") == "failed"


def test_asking_twice_for_verification_is_fine(verifier: IdentityVerifier) -> None:
    verifier.begin("news@shop.test")
    verifier.begin("news@shop.test")
    assert verifier.status("news@shop.test") in ("pending", "verified")
