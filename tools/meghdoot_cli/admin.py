"""What ops do before anybody has a key: create a tenant, hand out its first keys."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from meghdoot.areas.access.model import Role
from meghdoot.wiring.api import endpoint
from meghdoot.wiring.services import Services

_ACTOR = "command-line"


def _services() -> Services:
    return endpoint().services


def create_tenant(
    tenant_id: str, name: str, postal_address: str, zone: str = "Asia/Dhaka", currency: str = "BDT"
) -> str:
    """Create a tenant; answers the text of its first admin key. Raises Conflict when the id is taken."""
    _services().tenants.create(tenant_id, name=name, postal_address=postal_address, zone=zone, currency=currency)
    return create_key(tenant_id, "first admin", "admin")


def create_key(tenant_id: str, name: str, role: str) -> str:
    """A key of a tenant, shown this once. Raises NotFound for an unknown tenant."""
    services = _services()
    services.tenants.get(tenant_id)
    return services.access.create_key(tenant_id, name, cast(Role, role), None, _ACTOR)[1]


def rotate_key(tenant_id: str, key_id: str, overlap_hours: int) -> str:
    """A new key in place of an old one, which works on for the overlap. Raises NotFound."""
    return _services().access.rotate(tenant_id, key_id, timedelta(hours=overlap_hours), _ACTOR)[1]


def revoke_key(tenant_id: str, key_id: str) -> None:
    """End a key at once. Raises NotFound."""
    _services().access.revoke(tenant_id, key_id, _ACTOR)
