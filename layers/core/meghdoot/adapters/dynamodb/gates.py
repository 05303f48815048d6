"""Contact gates as the sender uses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import sleep

from meghdoot.adapters.dynamodb import keys, send_statements
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import Calls
from meghdoot.adapters.dynamodb.gate_items import gate_of
from meghdoot.adapters.dynamodb.statements import Result, Statements
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.model import ClaimRequest, ClaimResult


class DynamoGates:
    """Gates in the table `people`."""

    def __init__(
        self, calls: Calls, table: str, *, as_items: bool = False, consistent: bool = True,
        pause: Callable[[float], None] = sleep,
    ) -> None:  # fmt: skip
        """`consistent=False` halves the price of a read. A claim names the version that was read: what has changed since
        then refuses it and comes back with the refusal, so that a late read costs a repetition and decides nothing.
        """
        self._consistent = consistent
        self._calls = calls
        self._table = table
        self._pause = pause
        self._statements = Statements(calls, as_items, pause)

    def read(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, ContactGate]:
        wanted = [(keys.customer_pk(tenant, customer), send_statements.GATE) for customer in customer_ids]
        found = batch_get(self._calls, self._table, wanted, self._pause, consistent=self._consistent)
        gates = (gate_of(item) for item in found)
        return {gate.customer_id: gate for gate in gates}

    def claim(self, requests: Sequence[ClaimRequest]) -> list[ClaimResult]:
        results = self._statements.run([send_statements.claim(self._table, request) for request in requests])
        return [claim_result(request, result) for request, result in zip(requests, results, strict=True)]


def claim_result(request: ClaimRequest, result: Result) -> ClaimResult:
    """What a claim came to. A refusal by our own earlier write, whose answer was lost, is a claim."""
    if result.applied:
        return ClaimResult(claimed=True)
    if result.item is None:
        return ClaimResult(claimed=False)
    gate = gate_of(result.item)
    own = gate.version == request.expected_version + 1 and gate.counted == request.counted
    return ClaimResult(claimed=own and request.code in gate.granted, gate=gate)
