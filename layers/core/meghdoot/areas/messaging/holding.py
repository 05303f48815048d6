"""What keeps senders from sending although a run is live: holds that people or watchers set, and the seal of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

HoldScope = Literal["all", "marketing"]
HoldCause = Literal["kill_switch", "bounce_rate", "complaint_rate", "provider", "restored"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A tenant's messages wait until the hold is lifted. `marketing` lets transactional messages pass."""

    tenant: str
    scope: HoldScope
    cause: HoldCause
    words: str
    """The reason as a sentence for people."""
    by: str
    """Who set it: a principal, or the watcher's name."""
    since: datetime

    def stops(self, purpose: str) -> bool:
        """Whether messages of this purpose must wait."""
        return self.scope == "all" or purpose == "marketing"


class Holds(Protocol):
    """At most one hold a tenant; the stricter scope wins."""

    def get(self, tenant: str) -> Hold | None:
        """The tenant's hold, read consistently."""
        ...

    def put(self, hold: Hold) -> bool:
        """Set it. False when the tenant already has one of the same or a wider scope, which stays as it is."""
        ...

    def lift(self, tenant: str) -> Hold | None:
        """Remove it; answers what was removed."""
        ...


class Seal(Protocol):
    """Says whether the tables are those that this deployment has always written to.

    A restored table is another table under the same name: it lacks what happened after the backup, so nobody may send
    before every withdrawal was replayed.
    """

    def intact(self) -> bool:
        """True while no table was restored, or once the replay is done. At most a minute old."""
        ...
