"""Touches and what keeps them, apart from the rest of messaging: functions that must start fast import only this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from meghdoot.areas.content.model import Link

TouchKind = Literal["open", "machine_open", "click", "machine_click", "link_click", "unsubscribe"]

TOLD: tuple[TouchKind, ...] = ("open", "click", "unsubscribe")
"""What people did, as an account of a run tells it."""


@dataclass(frozen=True, slots=True)
class Touch:
    """The first time that a person opened, clicked or unsubscribed from one message; later times change nothing."""

    tenant: str
    customer_id: str
    run_id: str
    send_key: str
    kind: TouchKind
    at: datetime
    link: int | None = None
    """The link that was followed. A `click` is one a message whatever its link, and counts that link as well."""
    reason: str | None = None

    @property
    def place_link(self) -> int | None:
        """The link as far as it tells two touches of a message apart."""
        return None if self.kind == "click" else self.link


class Touches(Protocol):
    """First opens, clicks and unsubscribes. Apart from the send rows, so that a light function can keep one."""

    def touch(self, touch: Touch) -> bool:
        """Keep a touch if it is the first of its kind (and link) on its message; says whether it was."""
        ...

    def clicked(self, touch: Touch) -> int | None:
        """Keep the first click of a message and its link by one write. None when it was the first.

        Else the link that was clicked first, 0 when that is not known: another link is a touch of its own.
        """
        ...

    def seen_at(self, touch: Touch) -> datetime | None:
        """When the touch of that message, kind and link was kept first, or None. The time of the argument is not used."""
        ...


class RunLinks(Protocol):
    """Where the numbered links of a run lead. Kept apart from the run, so that a light function can read one."""

    def put(self, tenant: str, run_id: str, links: Sequence[Link]) -> None:
        """Store all links of a run; repeating is fine."""
        ...

    def get(self, tenant: str, run_id: str, number: int) -> str | None:
        """The address behind a number, or None."""
        ...
