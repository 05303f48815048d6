"""The contact gate as it is stored: item `GATE` of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.names import GATE_SK, PK, SK, Gate
from meghdoot.adapters.dynamodb.typed import typed
from meghdoot.areas.consent.model import ContactGate


def gate_key(tenant: str, customer_id: str) -> dict[str, Any]:
    """The key of a customer's gate, in the API's form."""
    return {PK: typed(keys.customer_pk(tenant, customer_id)), SK: typed(GATE_SK)}


def gate_of(item: Mapping[str, Any]) -> ContactGate:
    """The gate behind a stored item (API form)."""
    # Read by hand: the sender does this once a person.
    tenant, _, customer_id = item[PK]["S"].split("#", 2)
    return ContactGate(
        tenant=tenant,
        customer_id=customer_id,
        version=int(item[Gate.version]["N"]),
        granted=frozenset(item.get(Gate.granted, {}).get("SS", ())),
        suppressed=frozenset(item.get(Gate.suppressed, {}).get("SS", ())),
        zone=item.get(Gate.zone, {}).get("S"),
        counted=item.get(Gate.counted, {}).get("S", ""),
    )
