"""A house with a tenant, and what its owner would have set up."""

from __future__ import annotations

import pytest

from tests.api.client import Client


def open_house(client: Client, *tenants: str) -> Client:
    """Tenants that exist."""
    for tenant in tenants or (client.tenant,):
        client.services.tenants.create(
            tenant, name="Acme", postal_address="1 Lake Road, Dhaka 1207", zone="Asia/Dhaka", currency="BDT"
        )
    return client


@pytest.fixture
def client() -> Client:
    return open_house(Client())
