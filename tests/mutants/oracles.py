"""What notices a breakage, the cheap ones first. Each raises when a promise is broken, and must be silent on the true code."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.mutants import oracles_consent as consent
from tests.mutants import oracles_counters as counters
from tests.mutants import oracles_pacing as pacing
from tests.mutants import oracles_sending as sending
from tests.mutants import oracles_tenancy as tenancy

Oracle = Callable[[], None]


class Named(NamedTuple):
    """An oracle and how it is called in the table."""

    name: str
    check: Oracle


FOCUSED: dict[str, tuple[Oracle, ...]] = {
    "claim": (sending.claims, sending.owners, sending.waves_before_the_marker, sending.stops),
    "consent": (consent.gates_and_claims, consent.noes_in_a_run, consent.withdrawals),
    "cap": (consent.caps_by_a_reference,),
    "receipts": (sending.receipts,),
    "sweeper": (sending.sweeping,),
    "counters": (counters.recount,),
    "tenancy": (tenancy.keys_apart, tenancy.receipts_apart, tenancy.api_apart, counters.tenants_apart),
    "pacing": pacing.ORACLES,
}


def in_order(family: str) -> list[Named]:
    """All oracles: those of the family, then the faults placed everywhere, the races, the simulator, then the rest."""
    first = list(FOCUSED[family])
    rest = [check for name, checks in FOCUSED.items() if name != family for check in checks]
    return [Named(check.__name__, check) for check in (*first, *sending.EVERYWHERE, *rest)]
