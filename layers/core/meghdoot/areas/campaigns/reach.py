"""How many people of some segments could be written to now: the newest snapshot says who, the gates say whether."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from meghdoot.areas.consent.model import CHANNEL_CODES, ContactGate, gate_code
from meghdoot.areas.consent.ports import ConsentLedger
from meghdoot.areas.customers.ports import Customers
from meghdoot.areas.segments.ports import QueryEngine, Segments
from meghdoot.areas.tenants.ports import Tenants
from meghdoot.kernel.clock import Clock

MOST_LOOKED_AT = 5_000
"""People whose gates one check reads: a hundred batches, well within one request."""
_BATCH = 100
_EMAIL, _MARKETING = CHANNEL_CODES["email"], gate_code("email", "marketing")


@dataclass(frozen=True, slots=True)
class SegmentReach:
    """`ports.Reach` over the stores of people. Looks at `most` people at most, in the order of their ids."""

    segments: Segments
    engine: QueryEngine
    ledger: ConsentLedger
    customers: Customers
    tenants: Tenants
    clock: Clock
    most: int = MOST_LOOKED_AT

    def reachable(self, tenant: str, segment_ids: Sequence[str]) -> int | None:
        """How many of the people looked at can be written to.

        None where 0 would claim more than was seen: nobody was found in the snapshot (it may be older than the people),
        or there were more people than are looked at.
        """
        members = self._members(tenant, segment_ids)
        looked_at = found = 0
        while batch := list(islice(members, min(_BATCH, self.most - looked_at))):
            looked_at += len(batch)
            found += self._reached(tenant, batch)
        if found == 0 and (looked_at == 0 or looked_at >= self.most):
            return None
        return found

    def _members(self, tenant: str, segment_ids: Sequence[str]) -> Iterator[str]:
        settings = self.tenants.get(tenant, tenant)
        stored = [self.segments.get(tenant, segment_id) for segment_id in segment_ids]
        criteria = [segment.criteria for segment in stored if segment is not None and segment.is_active]
        if settings is None or not criteria:
            return iter(())
        return self.engine.members(
            tenant, criteria, now=self.clock.now(), zone=settings.zone, slice_=0, slices=1
        )  # fmt: skip

    def _reached(self, tenant: str, customer_ids: Sequence[str]) -> int:
        gates = self.ledger.gates(tenant, customer_ids)
        willing = [customer_id for customer_id, gate in gates.items() if _is_open(gate)]
        profiles = self.customers.get_many(tenant, willing) if willing else {}
        return sum(bool(profile.email) for profile in profiles.values())


def _is_open(gate: ContactGate) -> bool:
    return _MARKETING in gate.granted and _EMAIL not in gate.suppressed
