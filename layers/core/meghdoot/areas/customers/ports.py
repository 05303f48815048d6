"""What customers need from the outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from meghdoot.areas.customers.model import AttributeDefinition, Customer, Event, IdentityKind
from meghdoot.kernel.paging import Page
from meghdoot.kernel.records import Records


class AttributeDefinitions(Records[AttributeDefinition], Protocol):
    """The custom attributes of each tenant."""


class Customers(Protocol):
    """Stored profiles with their identities. Identity keys come from `rules.identity_keys`."""

    def get(self, tenant: str, customer_id: str) -> Customer | None:
        """The profile, read consistently."""
        ...

    def get_many(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, Customer]:
        """Those that exist, by id; any number of ids (the adapter cuts them into batches)."""
        ...

    def find(self, tenant: str, kind: IdentityKind, key: str) -> str | None:
        """The customer who holds an identity key, or None."""
        ...

    def find_many(
        self, tenant: str, identities: Sequence[tuple[IdentityKind, str]]
    ) -> dict[tuple[IdentityKind, str], str]:
        """Holders by (kind, key), only for keys that are held; any number, read consistently."""
        ...

    def create(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        """Store profile, identities and an empty contact gate (version 1, the customer's zone) in one transaction.

        Raises Conflict (`identity_taken`, naming the field) when an identity is held, `already_exists` for the id.
        """
        ...

    def update(
        self,
        customer: Customer,
        expected_version: int,
        added: dict[IdentityKind, str],
        removed: dict[IdentityKind, str],
        *,
        zone_changed: bool = False,
    ) -> None:
        """Replace the profile, move identities, and write the zone to the gate (raising its version) when it changed.

        All or nothing. Raises Stale for another version, Conflict (`identity_taken`) for a held identity.
        """
        ...

    def delete(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        """Remove profile, identities and gate. Suppression and the write-once withdrawals stay.

        All or nothing. Raises Stale when the stored version is not the customer's; absent is fine.
        """
        ...

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[Customer]:
        """All customers in a stable order (by shard, then id)."""
        ...


class Events(Protocol):
    """The customers' events of the last 13 months."""

    def add_many(self, events: Sequence[Event]) -> list[bool]:
        """Store each event once; the answer says, in order, whether it was new. Raises only when nothing more can be done."""
        ...

    def page(self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None) -> Page[Event]:
        """One customer's events, newest first."""
        ...
