"""What providers say about messages: rows are born and climb, addresses are suppressed, the watermark moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meghdoot.areas.consent.model import Channel, SuppressionReason
from meghdoot.areas.messaging.model import Fact, SendRow
from meghdoot.areas.messaging.ports import AddressKeys, Evidence, SendRows, SuppressAddress
from meghdoot.areas.messaging.rules.facts import highest, row_of, suppression_of
from meghdoot.areas.messaging.singles.model import NOBODY
from meghdoot.areas.messaging.soft_bounces import SoftBounces
from meghdoot.areas.tenants.ports import IdentityOwners


@dataclass(frozen=True, slots=True)
class Recorded:
    """Counts of one batch: rows born, rows raised, addresses newly suppressed, facts that named no send of ours."""

    born: int = 0
    climbed: int = 0
    suppressed: int = 0
    unmatched: int = 0


@dataclass(frozen=True, slots=True)
class ReceiptService:
    """Facts may come in any order and any number of times; the end is the same."""

    rows: SendRows
    suppression: SuppressAddress
    address_key: AddressKeys
    owners: IdentityOwners
    evidence: Evidence | None
    """None on a way by which deliveries do not come: what is heard there does not prove that silence means anything."""
    soft: SoftBounces
    channel: Channel = "email"

    def record(self, facts: Sequence[Fact]) -> Recorded:
        """Record facts. Suppression comes first: if the rest fails, the repetition finds it done."""
        matched = [(fact, row_of(fact, self.channel)) for fact in facts]
        suppressed = sum(self._suppress(fact, row) for fact, row in matched)
        born, climbed = self._raise(highest(row for _, row in matched if row is not None))
        self._heard([fact for fact, row in matched if row is not None])
        return Recorded(born, climbed, suppressed, sum(row is None for _, row in matched))

    def _raise(self, rows: list[SendRow]) -> tuple[int, int]:
        if not rows:
            return 0, 0
        new = self.rows.born(rows)
        climbed = [self.rows.climb(row) for row, is_new in zip(rows, new, strict=True) if not is_new]
        return sum(new), sum(climbed)

    def _suppress(self, fact: Fact, row: SendRow | None) -> bool:
        tenant = row.tenant if row is not None else self._owner(fact)
        reason = self._reason(fact, row)
        if reason is None or tenant is None or not fact.address:
            return False
        return self.suppression.suppress(
            tenant,
            self.address_key(tenant, fact.address),
            self.channel,
            reason,
            # Only what our own tags prove may touch a customer's consent.
            customer_id=None if row is None or row.customer_id.startswith(NOBODY) else row.customer_id,
            evidence=fact.dedupe_key,
        )

    def _reason(self, fact: Fact, row: SendRow | None) -> SuppressionReason | None:
        if fact.type == "bounced" and fact.subtype == "soft" and row is not None and fact.address:
            over = self.soft.is_over(fact, row, self.address_key(row.tenant, fact.address))
            return "hard_bounce" if over else None
        return suppression_of(fact)

    def _owner(self, fact: Fact) -> str | None:
        """The tenant of a notification without tags, by its sending address, else by the address's domain."""
        identity = (fact.source_identity or "").lower()
        if not identity or fact.tenant is not None:
            return None
        domain = "@" + identity.rpartition("@")[2]
        return self.owners.owner(identity) or self.owners.owner(domain)

    def _heard(self, facts: list[Fact]) -> None:
        if self.evidence is None:
            return
        newest: dict[str, Fact] = {}
        for fact in facts:
            if fact.accepted_at is not None:
                known = newest.get(fact.provider)
                if known is None or known.accepted_at is None or fact.accepted_at > known.accepted_at:
                    newest[fact.provider] = fact
        for provider, fact in newest.items():
            if fact.accepted_at is not None:
                self.evidence.heard(provider, fact.accepted_at)
