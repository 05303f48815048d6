"""A wave or another writer holds the gate for some milliseconds: wait a little, then say so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.calls import CallError
from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.areas.consent.model import ConsentEntry, Suppression
from meghdoot.areas.consent.rules import next_entry
from meghdoot.kernel.errors import Throttled, Unavailable

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ENTRY = next_entry(None, ConsentEntry("acme", "c1", "email", "marketing", 0, "withdrawn", None, "consent", "api", NOW))
SUPPRESSION = Suppression("acme", "k1#aa", "email", "complaint", NOW, "e1")
GATE = {"Item": {"pk": {"S": "acme#C#c1"}, "sk": {"S": "GATE"}, "v": {"N": "1"}}}


class Busy:
    """Refuses the first `times` transactions as one that another holds."""

    def __init__(self, times: int, code: str = "TransactionConflict") -> None:
        self.times = times
        self.code = code
        self.transactions = 0

    def __call__(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if operation != "TransactWriteItems":
            return GATE
        self.transactions += 1
        if self.transactions <= self.times:
            raise CallError("TransactionCanceledException", "", {"CancellationReasons": [{"Code": self.code}]})
        return {}


@pytest.mark.parametrize(("times", "pauses"), [(0, []), (1, [0.02]), (4, [0.02, 0.04, 0.08, 0.16])])
def test_a_held_gate_is_tried_again_after_growing_pauses(times: int, pauses: list[float]) -> None:
    for subject in ("ledger", "suppressions"):
        calls, waited = Busy(times), list[float]()
        if subject == "ledger":
            DynamoConsentLedger(calls, "people", waited.append).append(ENTRY)
        else:
            assert DynamoSuppressions(calls, "people", waited.append).add(SUPPRESSION, "c1")
        assert (calls.transactions, waited) == (times + 1, pauses)


def test_a_gate_that_is_always_held_is_throttled() -> None:
    calls = Busy(99)
    with pytest.raises(Throttled):
        DynamoConsentLedger(calls, "people", lambda _: None).append(ENTRY)
    with pytest.raises(Throttled):
        DynamoSuppressions(calls, "people", lambda _: None).add(SUPPRESSION, "c1")
    assert calls.transactions == 10


def test_any_other_refusal_is_not_repeated() -> None:
    calls = Busy(99, "ValidationError")
    with pytest.raises(Unavailable):
        DynamoConsentLedger(calls, "people", lambda _: None).append(ENTRY)
    assert calls.transactions == 1
