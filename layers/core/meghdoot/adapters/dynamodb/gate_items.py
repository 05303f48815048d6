"""The contact gate as it is stored: item `GATE` of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.names import GATE_SK, PK, SK, Gate
from meghdoot.adapters.dynamodb.typed import plain_item, typed
from meghdoot.areas.consent.model import ContactGate


def gate_key(tenant: str, customer_id: str) -> dict[str, Any]:
    """The key of a customer's gate, in the API's form."""
    return {PK: typed(keys.customer_pk(tenant, customer_id)), SK: typed(GATE_SK)}


def gate_of(item: Mapping[str, Any]) -> ContactGate:
    """The gate behind a stored item (API form)."""
    stored = plain_item(item)
    tenant, _, customer_id = str(stored[PK]).split("#", 2)
    zone = stored.get(Gate.zone)
    return ContactGate(
        tenant=tenant,
        customer_id=customer_id,
        version=int(str(stored[Gate.version])),
        granted=_texts(stored.get(Gate.granted)),
        suppressed=_texts(stored.get(Gate.suppressed)),
        zone=None if zone is None else str(zone),
        counted=str(stored.get(Gate.counted, "")),
    )


def _texts(value: object) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()
