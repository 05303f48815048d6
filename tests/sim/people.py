"""Whom the simulated campaigns address: made once, since customers and gates never change in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

from meghdoot.adapters.memory.gates import GateStore
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.segments.model import Segment
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.keyring import Keyring
from tests.support.killing import TENANT

MOST = 48
_MADE = datetime(2025, 12, 1, tzinfo=UTC)
ZONES = ("Asia/Dhaka", "UTC", None, "America/New_York")
IDS = tuple(f"c{n:02d}" for n in range(MOST))
SEGMENT = Segment(TENANT, "s1", "All", None, None, "custom", {}, True, "me", _MADE, _MADE)
_PARTS = {slices: {c: bucket("audience", c, slices) for c in IDS} for slices in (1, 2, 3)}


def zone_of(customer_id: str) -> str | None:
    """The zone in a customer's gate."""
    return ZONES[int(customer_id[1:]) % len(ZONES)]


def _customer(customer_id: str, address: str | None, name: str | None) -> Customer:
    return Customer(TENANT, customer_id, _MADE, _MADE, email=address, first_name=name, zone=zone_of(customer_id))


GOOD = {c: _customer(c, f"{c}@x.example", "Rita") for c in IDS}
NAMELESS = {c: _customer(c, f"{c}@x.example", None) for c in IDS}
WITHOUT_ADDRESS = {c: _customer(c, None, "Rita") for c in IDS}
BAD_ADDRESS = {c: _customer(c, f"{c}@x.example\nBcc: all", "Rita") for c in IDS}
OPEN = {c: ContactGate(TENANT, c, 1, frozenset({"em:m"}), zone=zone_of(c)) for c in IDS}
UNASKED = {c: ContactGate(TENANT, c, 1, frozenset({"sm:m"}), zone=zone_of(c)) for c in IDS}
SUPPRESSED = {c: ContactGate(TENANT, c, 1, frozenset(), frozenset({"em"}), zone=zone_of(c)) for c in IDS}


KEYRING = Keyring({"k1": b"0" * 32}, "k1")
address_key = cache(EmailKeys(KEYRING).__call__)
_HOLDERS = {address_key(TENANT, f"{c}@x.example"): c for c in IDS}


class People:
    """Profiles of one seed, and the query that finds everybody of them. A few stand in the index and are gone already."""

    def __init__(self, random: Random, count: int, io: Any) -> None:
        self.io = io
        self.ids = IDS[:count]
        self.profiles: dict[str, Customer] = {}
        self.gates: dict[str, ContactGate] = {}
        self.gate_store = GateStore()
        for customer in self.ids:
            u = random.random()
            profile = GOOD if u < 0.94 else NAMELESS if u < 0.96 else WITHOUT_ADDRESS if u < 0.98 else BAD_ADDRESS
            v = random.random()
            if v < 0.985:
                self.profiles[customer] = profile[customer]
                self.gates[customer] = (OPEN if v < 0.94 else UNASKED if v < 0.965 else SUPPRESSED)[customer]

    def get_many(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, Customer]:
        """As much of the customers as planning needs."""
        self.io("before get customers")
        found = {c: self.profiles[c] for c in customer_ids if c in self.profiles}
        self.io("after get customers")
        return found

    def find(self, tenant: str, kind: str, key: str) -> str | None:
        """Who has an address now."""
        holder = _HOLDERS.get(key)
        return holder if holder in self.profiles else None

    def delete(self, tenant: str, customer_id: str) -> None:
        """Profile and gate go together. Raises NotFound."""
        self.io("before erase")
        if self.profiles.pop(customer_id, None) is None:
            raise NotFound(f"there is no customer {customer_id}")
        self.gate_store.delete(tenant, customer_id)
        self.io("after erase")

    def members(
        self, tenant: str, criteria: list[Any], *, now: datetime, zone: str, slice_: int, slices: int
    ) -> Iterator[str]:
        """Everybody meets every segment."""
        part = _PARTS[slices]
        return (c for c in self.ids if part[c] == slice_)
