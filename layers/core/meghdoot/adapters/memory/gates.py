"""Contact gates in memory: one store, shared by the twins of customers, consent and messaging."""

from __future__ import annotations

from meghdoot.areas.consent.model import ContactGate


class GateStore:
    """Gates by tenant and customer. Everybody who writes a gate raises its version, as in the table."""

    def __init__(self) -> None:
        self._gates: dict[tuple[str, str], ContactGate] = {}

    def get(self, tenant: str, customer_id: str) -> ContactGate | None:
        """The gate as it stands, or None."""
        return self._gates.get((tenant, customer_id))

    def put(self, gate: ContactGate) -> None:
        """Store a gate, whatever was there: for the gate of a new customer."""
        self._gates[(gate.tenant, gate.customer_id)] = gate

    def compare_and_put(self, gate: ContactGate, expected_version: int) -> bool:
        """Store a gate where the version is still the expected one; False when it is another or there is no gate."""
        stored = self.get(gate.tenant, gate.customer_id)
        if stored is None or stored.version != expected_version:
            return False
        self.put(gate)
        return True

    def delete(self, tenant: str, customer_id: str) -> None:
        """Remove a gate: from now on every claim of this customer fails. Absent is fine."""
        self._gates.pop((tenant, customer_id), None)
