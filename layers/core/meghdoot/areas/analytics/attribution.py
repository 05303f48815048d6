"""Last-touch attribution: which run brought a purchase. The SQL of the lake says the same (tested on random histories).

A purchase belongs to the person's last click within the window before it; without one, to the last delivery within the
window. Each purchase belongs to one run of the tenant at most. Clicks of machines are none. The window is whole days of
24 hours between instants, and its last instant is inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DAY_MS = 24 * 3_600_000
HUMAN_CLICKS = frozenset({"click", "link_click"})


@dataclass(frozen=True, slots=True)
class TouchPoint:
    """A click or a delivery of one message. `at` is in milliseconds since 1970, as everywhere in the lake."""

    customer_id: str
    run_id: str
    send_key: str
    at: int
    is_click: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase with an amount in minor units of the currency that is asked for."""

    customer_id: str
    event_id: str
    at: int
    minor: int


def credited(orders: Iterable[Order], points: Iterable[TouchPoint], window_days: int) -> dict[Order, str]:
    """Each order that a message brought, and the run of its last touch. Clicks go before deliveries; ties by send key."""
    by_customer: dict[str, list[TouchPoint]] = {}
    for point in points:
        by_customer.setdefault(point.customer_id, []).append(point)
    credit = {}
    for order in orders:
        near = [p for p in by_customer.get(order.customer_id, ()) if 0 <= order.at - p.at <= window_days * DAY_MS]
        if near:
            credit[order] = max(near, key=lambda p: (p.is_click, p.at, p.send_key)).run_id
    return credit
