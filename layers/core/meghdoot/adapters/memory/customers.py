"""Customers, events and attribute definitions in memory. Safe to share between threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.customers.model import AttributeDefinition, Customer, Event, IdentityKind
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Conflict, FieldError, Stale
from meghdoot.kernel.paging import Page

_SHARDS = 16


def memory_attributes() -> MemoryRecords[AttributeDefinition]:
    """The custom attributes."""
    return MemoryRecords("attribute")


def _position(customer_id: str) -> str:
    return f"{bucket('customers', customer_id, _SHARDS):02d}#{customer_id}"


class MemoryCustomers:
    """Profiles and identities in dicts; the gates in the store that consent and messaging share."""

    def __init__(self, gates: GateStore | None = None) -> None:
        self.gates = gates or GateStore()
        self._profiles: dict[tuple[str, str], Customer] = {}
        self._holders: dict[tuple[str, IdentityKind, str], str] = {}
        self._lock = Lock()

    def get(self, tenant: str, customer_id: str) -> Customer | None:
        return self._profiles.get((tenant, customer_id))

    def get_many(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, Customer]:
        found = {customer_id: self.get(tenant, customer_id) for customer_id in customer_ids}
        return {customer_id: customer for customer_id, customer in found.items() if customer is not None}

    def find(self, tenant: str, kind: IdentityKind, key: str) -> str | None:
        return self._holders.get((tenant, kind, key))

    def find_many(
        self, tenant: str, identities: Sequence[tuple[IdentityKind, str]]
    ) -> dict[tuple[IdentityKind, str], str]:
        found = {(kind, key): self.find(tenant, kind, key) for kind, key in identities}
        return {position: holder for position, holder in found.items() if holder is not None}

    def create(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        with self._lock:
            self._check_free(customer, identity_keys)
            if self.get(customer.tenant, customer.id) is not None:
                raise Conflict("this customer exists already", code="already_exists")
            self._store(customer, identity_keys)
            self.gates.put(ContactGate(customer.tenant, customer.id, version=1, zone=customer.zone))

    def _check_free(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        for kind, key in identity_keys.items():
            if self.find(customer.tenant, kind, key) not in (None, customer.id):
                fields = (FieldError(kind, "identity_taken", "belongs to another customer"),)
                raise Conflict("another customer has this identity", code="identity_taken", fields=fields)

    def _store(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        self._profiles[(customer.tenant, customer.id)] = customer
        for kind, key in identity_keys.items():
            self._holders[(customer.tenant, kind, key)] = customer.id

    def update(
        self,
        customer: Customer,
        expected_version: int,
        added: dict[IdentityKind, str],
        removed: dict[IdentityKind, str],
        *,
        zone_changed: bool = False,
    ) -> None:
        with self._lock:
            stored = self.get(customer.tenant, customer.id)
            if stored is None or stored.version != expected_version:
                raise Stale("the customer was changed by somebody else")
            self._check_free(customer, added)
            self._release(customer, removed)
            self._store(customer, added)
            gate = self.gates.get(customer.tenant, customer.id)
            if zone_changed and gate is not None:
                self.gates.put(replace(gate, zone=customer.zone, version=gate.version + 1))

    def _release(self, customer: Customer, keys: dict[IdentityKind, str]) -> None:
        for kind, key in keys.items():
            if self.find(customer.tenant, kind, key) == customer.id:
                del self._holders[(customer.tenant, kind, key)]

    def delete(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        with self._lock:
            stored = self.get(customer.tenant, customer.id)
            if stored is not None and stored.version != customer.version:
                raise Stale("the customer was changed by somebody else")
            self._profiles.pop((customer.tenant, customer.id), None)
            self._release(customer, identity_keys)
            self.gates.delete(customer.tenant, customer.id)

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[Customer]:
        everyone = sorted((_position(c), c) for owner, c in self._profiles if owner == tenant)
        left = [(at, c) for at, c in everyone if after is None or at > after]
        items = tuple(self._profiles[(tenant, c)] for _, c in left[:limit])
        return Page(items, left[limit - 1][0] if len(left) > limit else None)


class MemoryEvents:
    """Events by customer and by instant and id."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], dict[str, Event]] = {}
        self._first_told: dict[tuple[str, str, str], Event] = {}
        self._lock = Lock()

    def add_many(self, events: Sequence[Event]) -> list[bool]:
        with self._lock:
            return [self._add(event) for event in events]

    def _add(self, event: Event) -> bool:
        if not event.has_client_time:
            event = self._first_told.setdefault((event.tenant, event.customer_id, event.id), event)
        mine = self._events.setdefault((event.tenant, event.customer_id), {})
        position = f"{iso(event.at)}#{event.id}"
        is_new = position not in mine
        mine.setdefault(position, event)
        return is_new

    def page(self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None) -> Page[Event]:
        mine = self._events.get((tenant, customer_id), {})
        left = [at for at in sorted(mine, reverse=True) if after is None or at < after.removeprefix("E#")]
        return Page(tuple(mine[at] for at in left[:limit]), f"E#{left[limit - 1]}" if len(left) > limit else None)

    def all(self, tenant: str) -> list[Event]:
        """Every event of a tenant, for twins that read the whole."""
        return [event for (owner, _), mine in self._events.items() if owner == tenant for event in mine.values()]
