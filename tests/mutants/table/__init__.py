"""All breakages, family by family."""

from __future__ import annotations

from tests.mutants.mutant import Mutant
from tests.mutants.table.cap import CAP
from tests.mutants.table.claim import CLAIM
from tests.mutants.table.consent import CONSENT
from tests.mutants.table.counters import COUNTERS
from tests.mutants.table.pacing import PACING
from tests.mutants.table.receipts import RECEIPTS
from tests.mutants.table.sweeper import SWEEPER
from tests.mutants.table.tenancy import TENANCY

MUTANTS: tuple[Mutant, ...] = (
    *CLAIM, *CONSENT, *CAP, *RECEIPTS, *SWEEPER, *COUNTERS, *TENANCY, *PACING,
)  # fmt: skip
