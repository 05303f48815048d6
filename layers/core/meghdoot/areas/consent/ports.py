"""What consent needs from the outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from meghdoot.areas.consent.model import Channel, ConsentEntry, ContactGate, Purpose, Suppression, Withdrawal
from meghdoot.kernel.paging import Page


class ConsentLedger(Protocol):
    """The ledger and the gate change together or not at all."""

    def head(self, tenant: str, customer_id: str, channel: Channel, purpose: Purpose) -> ConsentEntry | None:
        """The newest entry, read consistently."""
        ...

    def heads(
        self, tenant: str, customer_ids: Sequence[str], channel: Channel, purpose: Purpose
    ) -> dict[str, ConsentEntry]:
        """The newest entries by customer id, any number of ids; who has none is left out. Need not be consistent."""
        ...

    def append(self, entry: ConsentEntry) -> None:
        """Write entry number `sequence`, make it the head, and add or remove the grant in the gate (raising its version).

        One transaction. Raises Conflict (`sequence_taken`) when another entry has that number (read the head and try
        again), NotFound (`no_gate`) when the customer has no gate. A grant does not lift a suppression: the code stays
        out of `granted` while the channel stands in `suppressed`.
        """
        ...

    def history(
        self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        """All entries of a customer by channel, purpose and number."""
        ...

    def withdrawn(
        self, tenant: str, channel: Channel, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        """Withdrawals of a channel for marketing, newest first (the list of unsubscribes)."""
        ...

    def gate(self, tenant: str, customer_id: str, *, consistent: bool = True) -> ContactGate | None:
        """The gate, read consistently."""
        ...

    def gates(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, ContactGate]:
        """Gates by customer id, read consistently, any number of ids."""
        ...


class Suppressions(Protocol):
    """Suppressed addresses."""

    def add(self, suppression: Suppression, customer_id: str | None) -> bool:
        """Suppress an address, and the channel in its customer's gate when there is one. False if it already was."""
        ...

    def get(self, tenant: str, address_key: str, channel: Channel) -> Suppression | None:
        """Whether and why an address is suppressed."""
        ...

    def remove(self, tenant: str, address_key: str, channel: Channel, customer_id: str | None) -> None:
        """Lift a suppression (a mended address); grants come back only by new consent."""
        ...


@dataclass(frozen=True, slots=True)
class WithdrawalLine:
    """A line as it was found. `withdrawal` is None when it cannot be read."""

    name: str
    withdrawal: Withdrawal | None


class WithdrawalReader(Protocol):
    """Reads the write-once bucket back, after a restore."""

    def page(self, *, limit: int = 500, after: str | None = None) -> Page[WithdrawalLine]:
        """Lines of all tenants in the order of their names, behind `after`. Raises Unavailable."""
        ...

    def any(self) -> bool:
        """Whether there is a line at all. Raises Unavailable."""
        ...


class WithdrawalLog(Protocol):
    """The write-once bucket."""

    def append(self, withdrawal: Withdrawal) -> None:
        """Append; the same id twice is one line."""
        ...
