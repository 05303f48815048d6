"""Use cases of customers and their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from meghdoot.areas.customers import rules
from meghdoot.areas.customers.attributes import DeclaredAttributes
from meghdoot.areas.customers.event_rules import CleanEvent, clean_event, to_event
from meghdoot.areas.customers.inputs import (
    UNSET,
    CustomerInput,
    EventInput,
    EventResult,
    Unset,
    UpsertResult,
    identified_by,
)
from meghdoot.areas.customers.model import (
    IDENTITY_KINDS,
    AttributeDefinition,
    AttributeType,
    Customer,
    Event,
    IdentityKind,
    StoredAs,
)
from meghdoot.areas.customers.ports import AttributeDefinitions, Customers, Events
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import AppError, Conflict, Invalid, NotFound, Stale, Throttled, Unavailable
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.paging import Page

__all__ = ["UNSET", "CustomerInput", "CustomerService", "EventInput", "EventResult", "Unset", "UpsertResult"]

_ATTEMPTS = 3
_RACES = frozenset({"identity_taken", "stale_version"})
_MISSING = "there is no such customer"


@dataclass(frozen=True, slots=True)
class CustomerService:
    """Profiles by any of their identities, and what people did. Safe to share between threads."""

    customers: Customers
    events: Events
    attributes: AttributeDefinitions
    keyring: Keyring
    clock: Clock
    ids: Ids
    phones: rules.PhoneRules = field(default_factory=rules.PhoneRules)

    def upsert(
        self, tenant: str, given: CustomerInput, *, declare: bool = False, expected_version: int | None = None
    ) -> tuple[Customer, StoredAs]:
        """Create, or change the given fields of the customer who holds any of the given identities.

        `declare` declares attributes that nobody knows yet. Raises Invalid (every wrong field), NotFound for an unknown
        `customer_id`, Conflict (`identity_conflict`: the identities are of two customers), Stale.
        """
        return self._upsert(tenant, given, self._declared(tenant, declare), expected_version)

    def upsert_many(self, tenant: str, given: Sequence[CustomerInput], *, declare: bool = False) -> list[UpsertResult]:
        """Each customer's own result or error, in order. Raises only Throttled and Unavailable: repeat the whole then."""
        declared = self._declared(tenant, declare)
        return [self._upsert_result(tenant, one, declared) for one in given]

    def _declared(self, tenant: str, declare: bool) -> DeclaredAttributes:
        return DeclaredAttributes(self.attributes, tenant, self.clock.now(), declare=declare)

    def _upsert_result(self, tenant: str, given: CustomerInput, declared: DeclaredAttributes) -> UpsertResult:
        try:
            customer, stored = self._upsert(tenant, given, declared, None)
        except (Throttled, Unavailable):
            raise
        except AppError as e:
            return UpsertResult(error=e)
        return UpsertResult(customer, stored)

    def _upsert(
        self, tenant: str, given: CustomerInput, declared: DeclaredAttributes, expected_version: int | None
    ) -> tuple[Customer, StoredAs]:
        changes = rules.clean_profile(given, self.phones, self.clock.now().date())
        values = given.attributes
        attributes = values if values is None or isinstance(values, Unset) else declared.clean(values)
        for attempt in range(_ATTEMPTS):
            try:
                return self._upsert_once(tenant, given.customer_id, changes, attributes, expected_version)
            except (Conflict, Stale) as e:
                # Somebody wrote the same person in between: look again, unless the caller named a version.
                if e.code not in _RACES or expected_version is not None or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _upsert_once(
        self, tenant: str, customer_id: str | None, changes: dict[str, Any], attributes: Any, expected: int | None
    ) -> tuple[Customer, StoredAs]:
        stored = self._existing(tenant, customer_id, changes)
        if stored is None:
            return self._create(tenant, changes, attributes), "created"
        if expected is not None and stored.version != expected:
            raise Stale("the customer was changed by somebody else")
        changed = rules.with_changes(stored, changes, attributes)
        if changed == stored:
            return stored, "unchanged"
        return self._replace(stored, changed), "updated"

    def _existing(self, tenant: str, customer_id: str | None, changes: dict[str, Any]) -> Customer | None:
        wanted = {kind: changes[kind] for kind in IDENTITY_KINDS if changes.get(kind) is not None}
        holders = set(self._holders(tenant, list(wanted.items())).values())
        if customer_id is not None:
            holders.add(customer_id)
        if len(holders) > 1:
            raise Conflict("these identities belong to different customers", code="identity_conflict")
        if not holders:
            return None
        stored = self.customers.get(tenant, holders.pop())
        if stored is None and customer_id is not None:
            raise NotFound(_MISSING, code="customer_not_found")
        if stored is None:
            raise Stale("the customer was deleted just now")
        return stored

    def _holders(self, tenant: str, wanted: Sequence[tuple[IdentityKind, str]]) -> dict[tuple[IdentityKind, str], str]:
        """Customer ids by (kind, value), for those that somebody holds under any key of the ring."""
        keys = {
            (kind, key): (kind, value) for kind, value in wanted for key in rules.lookup_keys(self.keyring, kind, value)
        }
        found = self.customers.find_many(tenant, list(keys)) if keys else {}
        return {keys[position]: customer_id for position, customer_id in found.items()}

    def _create(self, tenant: str, changes: dict[str, Any], attributes: Any) -> Customer:
        now = self.clock.now()
        customer = rules.with_changes(Customer(tenant, self.ids.new(), now, now), changes, attributes)
        self._check_identified(customer)
        self.customers.create(customer, rules.identity_keys(self.keyring, tenant, customer))
        return customer

    def _replace(self, stored: Customer, changed: Customer) -> Customer:
        self._check_identified(changed)
        changed = replace(changed, version=stored.version + 1, updated_at=self.clock.now())
        added, removed = rules.moved_identities(stored, changed)
        self.customers.update(
            changed,
            stored.version,
            {kind: rules.address_key(self.keyring, kind, value) for kind, value in added.items()},
            self._held_keys(stored, removed),
            zone_changed=changed.zone != stored.zone,
        )
        return changed

    @staticmethod
    def _check_identified(customer: Customer) -> None:
        if not rules.identities(customer):
            raise Invalid.field("email", "identity_required", "an e-mail, phone or external id is needed")

    def _held_keys(self, customer: Customer, values: dict[IdentityKind, str]) -> dict[IdentityKind, str]:
        """Under which key each identity is stored: after a rotation it may be an older one."""
        held = {kind: rules.address_key(self.keyring, kind, value) for kind, value in values.items()}
        if len(self.keyring.keys) == 1:
            return held
        for kind, value in values.items():
            wanted = [(kind, key) for key in rules.lookup_keys(self.keyring, kind, value)]
            for (_, key), holder in self.customers.find_many(customer.tenant, wanted).items():
                held[kind] = key if holder == customer.id else held[kind]
        return held

    def get(self, tenant: str, customer_id: str) -> Customer:
        """The profile. Raises NotFound."""
        customer = self.customers.get(tenant, customer_id)
        if customer is None:
            raise NotFound(_MISSING, code="customer_not_found")
        return customer

    def find(self, tenant: str, kind: IdentityKind, text: str) -> Customer:
        """The customer who holds an identity, in any spelling of it. Raises Invalid, NotFound."""
        cleaned = rules.clean_profile(identified_by({kind: text}), self.phones, self.clock.now().date())
        holder = self._holders(tenant, [(kind, cleaned[kind])]).get((kind, cleaned[kind]))
        if holder is None:
            raise NotFound(_MISSING, code="customer_not_found")
        return self.get(tenant, holder)

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[Customer]:
        """All customers in a stable order."""
        return self.customers.page(tenant, limit=limit, after=after)

    def delete(self, tenant: str, customer_id: str) -> None:
        """Remove profile, identities and contact gate; suppressions stay. Raises NotFound, Stale after lost races."""
        for attempt in range(_ATTEMPTS):
            customer = self.get(tenant, customer_id)
            try:
                return self.customers.delete(customer, self._held_keys(customer, rules.identities(customer)))
            except Stale:
                if attempt == _ATTEMPTS - 1:
                    raise
        return None

    def record_event(self, tenant: str, given: EventInput, *, create_missing: bool = False) -> tuple[Event, StoredAs]:
        """Store one event once. Raises Invalid, NotFound for an unknown customer, Conflict."""
        (result,) = self.record_events(tenant, [given], create_missing=create_missing)
        if result.event is None or result.stored is None:
            raise result.error or Unavailable("the event was not stored")
        return result.event, result.stored

    def record_events(
        self, tenant: str, given: Sequence[EventInput], *, create_missing: bool = False
    ) -> list[EventResult]:
        """Each event's own result, in order: `created`, `duplicate`, or an error.

        An event of an unknown customer is NotFound, or creates the customer when told to. Raises only Throttled and
        Unavailable: repeat the whole then, what was stored is recognised.
        """
        results: dict[int, EventResult] = {}
        cleaned: dict[int, CleanEvent] = {}
        for n, one in enumerate(given):
            try:
                cleaned[n] = clean_event(one, self.clock.now(), self.phones)
            except Invalid as e:
                results[n] = EventResult(error=e)
        owners = self._owners(tenant, cleaned, create_missing)
        results |= {n: EventResult(error=owner) for n, owner in owners.items() if isinstance(owner, AppError)}
        events = {
            n: to_event(cleaned[n], tenant, owner, self.ids.new(), self.clock.now())
            for n, owner in owners.items()
            if isinstance(owner, str)
        }
        news = self.events.add_many(list(events.values()))
        for (n, event), is_new in zip(events.items(), news, strict=True):
            results[n] = EventResult(event, "created" if is_new else "duplicate")
        return [results[n] for n in range(len(given))]

    def _owners(self, tenant: str, cleaned: dict[int, CleanEvent], create: bool) -> dict[int, str | AppError]:
        """The customer of each event, or why there is none."""
        wanted = {pair for event in cleaned.values() for pair in event.identities.items()}
        holders = self._holders(tenant, sorted(wanted))
        ids = {event.given.customer_id for event in cleaned.values() if event.given.customer_id}
        known = self.customers.get_many(tenant, sorted(ids)) if ids else {}
        owners: dict[int, str | AppError] = {}
        for n, event in cleaned.items():
            try:
                owners[n] = self._owner(tenant, event, holders, known, create)
            except (Throttled, Unavailable):
                raise
            except AppError as e:
                owners[n] = e
        return owners

    def _owner(
        self,
        tenant: str,
        event: CleanEvent,
        holders: dict[tuple[IdentityKind, str], str],
        known: dict[str, Customer],
        create: bool,
    ) -> str:
        found = {holders[pair] for pair in event.identities.items() if pair in holders}
        named = event.given.customer_id
        if named is not None:
            if named not in known:
                raise NotFound(_MISSING, code="customer_not_found")
            found.add(named)
        if len(found) > 1:
            raise Conflict("these identities belong to different customers", code="identity_conflict")
        if found:
            return found.pop()
        if not create:
            raise NotFound(_MISSING, code="customer_not_found")
        customer, _ = self.upsert(tenant, identified_by(event.identities))
        # The next event of this batch finds them without asking again.
        holders |= dict.fromkeys(event.identities.items(), customer.id)
        return customer.id

    def timeline(self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None) -> Page[Event]:
        """One customer's events, newest first. Raises NotFound."""
        self.get(tenant, customer_id)
        return self.events.page(tenant, customer_id, limit=limit, after=after)

    def declare_attribute(self, tenant: str, name: str, type_: AttributeType) -> AttributeDefinition:
        """Declare a custom attribute; the same again is fine. Raises Invalid, Conflict (`attribute_type`)."""
        return self._declared(tenant, True).add(name, type_)

    def list_attributes(self, tenant: str) -> list[AttributeDefinition]:
        """The tenant's custom attributes by name."""
        return sorted(self.attributes.all(tenant), key=lambda definition: definition.id)
