"""Attribution in memory: the rule itself over what callables hand out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from meghdoot.areas.analytics.attribution import HUMAN_CLICKS, Order, TouchPoint, credited
from meghdoot.areas.analytics.model import Conversions
from meghdoot.areas.customers.model import Event
from meghdoot.areas.messaging.model import SendRow, Touch
from meghdoot.areas.segments.days import milliseconds
from meghdoot.kernel.money import Money


@dataclass(frozen=True)
class MemoryConversions:
    """`ports.ConversionQuery`, always fresh. The callables hand out all of a tenant's events, send rows and touches."""

    events: Callable[[str], Iterable[Event]]
    sends: Callable[[str], Iterable[SendRow]]
    touches: Callable[[str], Iterable[Touch]]

    def conversions(
        self, tenant: str, run_id: str, *, window_days: int, currency: str, now: datetime, zone: str
    ) -> Conversions:
        """What the run brought up to `now`. Windows are between instants, so the zone decides nothing."""
        credit = credited(self._orders(tenant, currency, now), self._points(tenant), window_days)
        mine = [order for order, run in credit.items() if run == run_id]
        revenue = Money(sum(order.minor for order in mine), currency)
        return Conversions(len(mine), len({order.customer_id for order in mine}), revenue, now)

    def _orders(self, tenant: str, currency: str, now: datetime) -> Iterable[Order]:
        for event in self.events(tenant):
            amount = event.amount
            if event.type == "purchase" and event.at <= now and amount is not None and amount.currency == currency:
                yield Order(event.customer_id, event.id, milliseconds(event.at), amount.minor)

    def _points(self, tenant: str) -> Iterable[TouchPoint]:
        for row in self.sends(tenant):
            if row.state in ("delivered", "complained"):
                yield TouchPoint(row.customer_id, row.run_id, row.send_key, milliseconds(row.at), is_click=False)
        for touch in self.touches(tenant):
            if touch.kind in HUMAN_CLICKS:
                at = milliseconds(touch.at)
                yield TouchPoint(touch.customer_id, touch.run_id, touch.send_key, at, is_click=True)
