"""Touches and links in memory; and the memory of one process, which spares the table a flood."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meghdoot.adapters.memory.effects import Io, effect, silent
from meghdoot.areas.messaging.touching import TOLD, Touch, Touches

if TYPE_CHECKING:
    from meghdoot.areas.content.model import Link

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def _place(touch: Touch) -> Touch:
    # What makes two touches one: message, kind and link.
    return replace(touch, at=_ANY_TIME, reason=None, run_id="", link=touch.place_link)


class MemoryTouches:
    """Touches in a dict."""

    def __init__(self, io: Io = silent) -> None:
        self._first: dict[Touch, Touch] = {}
        self.io = io

    @property
    def kept(self) -> list[Touch]:
        """All touches in the order they came."""
        return list(self._first.values())

    def touch(self, touch: Touch) -> bool:
        place = _place(touch)
        with effect(self.io, "touch"):
            is_first = place not in self._first
            self._first.setdefault(place, touch)
            return is_first

    def clicked(self, touch: Touch) -> int | None:
        return None if self.touch(touch) else self._first[_place(touch)].link or 0

    def seen_at(self, touch: Touch) -> datetime | None:
        first = self._first.get(_place(touch))
        return first.at if first else None

    def first_of(self, tenant: str, keys: Sequence[tuple[str, str]]) -> dict[str, dict[str, datetime]]:
        found: dict[str, dict[str, datetime]] = {}
        for touch in self._first.values():
            if touch.tenant == tenant and touch.kind in TOLD and (touch.customer_id, touch.send_key) in keys:
                found.setdefault(touch.send_key, {})[touch.kind] = touch.at
        return found


class MemoryRunLinks:
    """Links in a dict."""

    def __init__(self) -> None:
        self._urls: dict[tuple[str, str, int], str] = {}

    def put(self, tenant: str, run_id: str, links: Sequence[Link]) -> None:
        self._urls.update({(tenant, run_id, link.number): link.url for link in links})

    def get(self, tenant: str, run_id: str, number: int) -> str | None:
        return self._urls.get((tenant, run_id, number))


class RememberingTouches:
    """Knows the last `limit` touches that this process has kept, and does not write them again."""

    def __init__(self, inner: Touches, limit: int = 4096) -> None:
        self._inner = inner
        self._limit = limit
        self._known: OrderedDict[Touch, int | None] = OrderedDict()

    def touch(self, touch: Touch) -> bool:
        place = _place(touch)
        if place in self._known:
            self._known.move_to_end(place)
            return False
        is_first = self._inner.touch(touch)
        self._remember(place, None)
        return is_first

    def clicked(self, touch: Touch) -> int | None:
        place = _place(touch)
        known = self._known.get(place)
        if known is not None:
            self._known.move_to_end(place)
            return known
        first = self._inner.clicked(touch)
        self._remember(place, (touch.link or 0) if first is None else first)
        return first

    def _remember(self, place: Touch, link: int | None) -> None:
        self._known[place] = link
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def seen_at(self, touch: Touch) -> datetime | None:
        return self._inner.seen_at(touch)
