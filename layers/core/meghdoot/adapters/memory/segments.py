"""Segments in memory: the predicate over customers and events that a callable hands out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meghdoot.adapters.codec import to_plain
from meghdoot.adapters.lake.lines import AUDIENCE, customer_line, person_of
from meghdoot.areas.customers.model import Customer, Event
from meghdoot.areas.segments.cursor import Order
from meghdoot.areas.segments.days import day_start, instant, milliseconds
from meghdoot.areas.segments.model import Count, SegmentCustomer, Snapshot, SortKey
from meghdoot.areas.segments.person import Purchase, daily
from meghdoot.areas.segments.plan import Context, Some
from meghdoot.areas.segments.predicate import compile_predicate
from meghdoot.areas.segments.resolve import plan
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.ids import digest
from meghdoot.kernel.paging import Page


@dataclass(frozen=True)
class MemoryEngine:
    """`ports.QueryEngine`, always fresh. `people` and `events` hand out all of a tenant's customers and events."""

    people: Callable[[str], Iterable[Customer]]
    events: Callable[[str], Iterable[Event]]
    currency_of: Callable[[str], str]
    clock: Clock

    def snapshot(self, tenant: str) -> Snapshot:
        """What is there now; the id is a digest of who and what is in it."""
        people = sorted(f"{c.id}@{c.version}" for c in self.people(tenant))
        events = sorted(e.id for e in self.events(tenant))
        return Snapshot(digest(*people, "/", *events), self.clock.now(), len(people), len(events))

    def count(self, tenant: str, criteria: Mapping[str, Any], *, now: datetime, zone: str) -> Count:
        """How many active customers meet the criteria."""
        return Count(len(self._matching(tenant, [criteria], now, zone)), self.snapshot(tenant))

    def page(
        self,
        tenant: str,
        criteria: Mapping[str, Any],
        *,
        now: datetime,
        zone: str,
        sort: SortKey,
        descending: bool,
        limit: int,
        after: str | None,
    ) -> Page[SegmentCustomer]:
        """Customers in order. Raises Malformed (`bad_cursor`) for an `after` of another order."""
        order = Order(sort, descending)
        sign = -1 if descending else 1
        context, bought = Context.of(now, zone, self.currency_of(tenant)), self._purchases(tenant)
        rows = [_row(c, bought.get(c, []), context) for c in self._matching(tenant, [criteria], now, zone)]
        rows.sort(key=lambda row: row.customer_id, reverse=descending and sort == "customer_id")
        rows.sort(key=lambda row: sign * order.value(row))
        if after is not None:
            value, customer = order.read(after)
            down = descending and sort == "customer_id"
            rows = [
                row for row in rows
                if sign * order.value(row) > sign * value
                or (order.value(row) == value and (row.customer_id < customer if down else row.customer_id > customer))
            ]  # fmt: skip
        return Page(tuple(rows[:limit]), order.write(rows[limit - 1]) if len(rows) > limit else None)

    def members(
        self, tenant: str, criteria: list[Mapping[str, Any]], *, now: datetime, zone: str, slice_: int, slices: int
    ) -> Iterator[str]:
        """Ids of a slice in order."""
        if criteria:
            ids = self._matching(tenant, criteria, now, zone)
            yield from (c for c in ids if bucket(AUDIENCE, c, slices) == slice_)

    def _matching(self, tenant: str, criteria: list[Mapping[str, Any]], now: datetime, zone: str) -> list[str]:
        context = Context.of(now, zone, self.currency_of(tenant))
        predicate = compile_predicate(Some(tuple(plan(tree, context) for tree in criteria)), context)
        bought = self._purchases(tenant)
        matching = []
        for customer in self.people(tenant):
            line = customer_line(to_plain(customer), customer.version)
            person = person_of(line, daily(bought.get(customer.id, ()), zone, context.currency), zone)
            if person.is_active and predicate(person):
                matching.append(person.id)
        return sorted(matching)

    def _purchases(self, tenant: str) -> dict[str, list[Purchase]]:
        bought: dict[str, list[Purchase]] = {}
        for event in self.events(tenant):
            if event.type == "purchase":
                minor, currency = (None, None) if event.amount is None else (event.amount.minor, event.amount.currency)
                bought.setdefault(event.customer_id, []).append(Purchase(milliseconds(event.at), minor, currency))
        return bought


def _row(customer: str, own: list[Purchase], context: Context) -> SegmentCustomer:
    end = day_start(context.today + 1, context.zone)
    own = [purchase for purchase in own if purchase.at_ms < end]
    spent = sum(p.minor for p in own if p.minor is not None and p.currency == context.currency)
    last = instant(max(p.at_ms for p in own)) if own else None
    return SegmentCustomer(customer, spent, len(own), last)
