"""The use cases of consent. The gate is closed first, then the write-once line is written; both before the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meghdoot.areas.consent import rules
from meghdoot.areas.consent.model import (
    CHANNELS,
    Basis,
    Channel,
    ConsentEntry,
    ConsentState,
    ContactGate,
    Purpose,
    Suppression,
    SuppressionReason,
)
from meghdoot.areas.consent.ports import ConsentLedger, Suppressions, WithdrawalLog
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, NotFound
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.paging import Page

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ConsentService:
    """Records acts of consent, suppresses addresses, and answers what is known."""

    ledger: ConsentLedger
    suppressions: Suppressions
    log: WithdrawalLog
    clock: Clock
    ids: Ids

    def record(
        self,
        tenant: str,
        customer_id: str,
        channel: Channel,
        purpose: Purpose,
        state: ConsentState,
        *,
        source: str,
        basis: Basis = "consent",
        text_version: str | None = None,
        ip: str | None = None,
        user_agent: str | None = None,
        reason: str | None = None,
        evidence: str | None = None,
    ) -> ConsentEntry:
        """Append one act, at the server's time, and answer it with its number and hash.

        A withdrawal that merely repeats the head (`rules.is_repeat`) answers the head. Raises Invalid for a grant
        without wording or source, NotFound (`no_gate`) for a customer who does not exist, Unavailable when the
        write-once line could not be written: the gate is closed by then, and repeating the call writes the line.
        """
        draft = ConsentEntry(
            tenant, customer_id, channel, purpose, 0, state, text_version, basis, source,
            self.clock.now(), ip, user_agent, reason, evidence,
        )  # fmt: skip
        rules.check(draft)
        entry = self._append(draft)
        if state == "withdrawn":
            self.log.append(rules.withdrawal_of_entry(entry))
        return entry

    def _append(self, draft: ConsentEntry) -> ConsentEntry:
        for left in reversed(range(_ATTEMPTS)):
            head = self.ledger.head(draft.tenant, draft.customer_id, draft.channel, draft.purpose)
            if head is not None and rules.is_repeat(head, draft):
                return head
            entry = rules.next_entry(head, draft)
            try:
                self.ledger.append(entry)
            except Conflict:
                if not left:
                    raise
            else:
                return entry
        raise AssertionError("the last attempt returns or raises")

    def withdraw_all(
        self,
        tenant: str,
        customer_id: str,
        *,
        source: str,
        ip: str | None = None,
        user_agent: str | None = None,
        reason: str | None = None,
        evidence: str | None = None,
    ) -> list[ConsentEntry]:
        """Withdraw marketing on every channel that is granted now. Raises NotFound (`no_gate`).

        Channels that the same source has closed before are told again: if the last call ended between the gate and the
        write-once line, this one writes the line.
        """
        gate = self.gate(tenant, customer_id)
        return [
            self.record(
                tenant, customer_id, channel, "marketing", "withdrawn",
                source=source, ip=ip, user_agent=user_agent, reason=reason, evidence=evidence,
            )
            for channel in CHANNELS
            if channel in rules.granted_channels(gate) or self._closed_by(tenant, customer_id, channel, source)
        ]  # fmt: skip

    def _closed_by(self, tenant: str, customer_id: str, channel: Channel, source: str) -> bool:
        head = self.ledger.head(tenant, customer_id, channel, "marketing")
        return head is not None and rules.is_closed_by(head, source)

    def knows(self, tenant: str, customer_id: str) -> bool:
        """Whether there is such a customer (an erased one has no gate). Asked for each pixel: at half the price of a read."""
        return self.ledger.gate(tenant, customer_id, consistent=False) is not None

    def history(
        self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        """All entries of a customer by channel, purpose and number."""
        return self.ledger.history(tenant, customer_id, limit=limit, after=after)

    def gate(self, tenant: str, customer_id: str) -> ContactGate:
        """What may be sent to a customer now. Raises NotFound (`no_gate`) for a customer who does not exist."""
        gate = self.ledger.gate(tenant, customer_id)
        if gate is None:
            raise NotFound(f"there is no customer {customer_id}", code="no_gate")
        return gate

    def suppress(
        self,
        tenant: str,
        address_key: str,
        channel: Channel,
        reason: SuppressionReason,
        *,
        customer_id: str | None = None,
        evidence: str | None = None,
    ) -> bool:
        """Never contact an address on a channel again; answers whether that is new. Repeating is harmless.

        A complaint of a known customer is a withdrawal too, and stands in the ledger. `evidence` names the event, so
        that an event told twice is one write-once line.
        """
        at = rules.to_millisecond(self.clock.now())
        wanted = Suppression(tenant, address_key, channel, reason, at, evidence)
        is_new = self.suppressions.add(wanted, customer_id)
        stored = wanted if is_new else self.suppressions.get(tenant, address_key, channel) or wanted
        # A line belongs to its occasion: the event told again finds its own suppression and the day it was made.
        said = stored if (stored.reason, stored.evidence) == (reason, evidence) else wanted
        line = rules.withdrawal_of_suppression(said, customer_id, evidence or self.ids.new())
        if line is not None:
            self.log.append(line)
        if reason == "complaint" and customer_id is not None:
            self._withdraw_complainer(tenant, customer_id, channel, evidence)
        return is_new

    def _withdraw_complainer(self, tenant: str, customer_id: str, channel: Channel, evidence: str | None) -> None:
        try:
            self.record(tenant, customer_id, channel, "marketing", "withdrawn", source="complaint", evidence=evidence)
        except NotFound:
            # An erased customer has no ledger; the suppressed address is what remains, and it is stored.
            return

    def close_suppressed_channels(
        self, tenant: str, customer_id: str, address_keys: Mapping[Channel, str]
    ) -> tuple[Channel, ...]:
        """Carry suppressions over to a customer who has just got these addresses; answers the channels that closed.

        Suppression belongs to the address and outlives profiles, so whoever creates a profile or changes an address
        calls this before the first grant.
        """
        closed = []
        for channel, key in address_keys.items():
            known = self.suppressions.get(tenant, key, channel)
            if known is not None:
                self.suppressions.add(known, customer_id)
                closed.append(channel)
        return tuple(closed)

    def lift_suppression(self, tenant: str, address_key: str, channel: Channel, customer_id: str | None = None) -> None:
        """Lift a suppression, for a mended address. Grants come back only by new consent."""
        self.suppressions.remove(tenant, address_key, channel, customer_id)

    def unsubscribes(
        self, tenant: str, channel: Channel, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        """Withdrawals of marketing on a channel, newest first."""
        return self.ledger.withdrawn(tenant, channel, limit=limit, after=after)
