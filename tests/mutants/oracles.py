"""What notices a breakage, the cheap ones first. Each raises when a promise is broken, and must be silent on the true code."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import hypothesis

hypothesis.settings.register_profile(
    "mutants", max_examples=40, derandomize=True, database=None, deadline=None,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate), suppress_health_check=list(hypothesis.HealthCheck),
)  # fmt: skip
# Before the oracles are loaded: a busy machine must not pass for a breakage.
hypothesis.settings.load_profile("mutants")

from tests.mutants import oracles_consent as consent  # noqa: E402
from tests.mutants import oracles_counters as counters  # noqa: E402
from tests.mutants import oracles_pacing as pacing  # noqa: E402
from tests.mutants import oracles_sending as sending  # noqa: E402
from tests.mutants import oracles_tenancy as tenancy  # noqa: E402

Oracle = Callable[[], None]


class Named(NamedTuple):
    """An oracle and how it is called in the table."""

    name: str
    check: Oracle


FOCUSED: dict[str, tuple[Oracle, ...]] = {
    "claim": (
        sending.claims,
        sending.owners,
        sending.waves_before_the_marker,
        sending.stops,
        sending.codes,
        sending.restores,
    ),
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
