"""What keeps senders from sending although a run is live: holds that people or watchers set, and the seal of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from meghdoot.areas.messaging.model import Run

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
    words_bn: str | None = None
    """The same in Bangla, where a watcher has set it."""

    def stops(self, purpose: str) -> bool:
        """Whether messages of this purpose must wait."""
        return self.scope == "all" or purpose == "marketing"


Halt = Literal["cancelled", "paused", "held"]


@dataclass(frozen=True, slots=True)
class Watched:
    """A run and its tenant's hold, read in the same moment."""

    run: Run
    hold: Hold | None = None

    @property
    def halt(self) -> Halt | None:
        """Why nobody of the run may be called now. The end of a run goes before anything that passes."""
        if self.run.status in ("cancelled", "paused"):
            return "cancelled" if self.run.status == "cancelled" else "paused"
        return "held" if self.hold is not None and self.hold.stops(self.run.purpose) else None


class RunWatch(Protocol):
    """What a sender looks at about once a second."""

    def look(self, tenant: str, run_id: str) -> Watched:
        """The run and the hold by one consistent read. Raises NotFound for an unknown run."""
        ...


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


SealState = Literal["intact", "missing", "foreign"]


class Seal(Protocol):
    """Says whether the tables are those that this deployment has always written to.

    A restored table is another table under the same name: it lacks what happened after the backup, so nobody may send
    before every withdrawal was replayed.
    """

    def intact(self) -> bool:
        """True while no table was restored, or once the replay is done. At most a minute old."""
        ...

    def since(self) -> datetime | None:
        """When the youngest table came into being, as the last `intact` saw it: what is older came from a backup.

        None where nothing was seen yet.
        """
        ...


class TableSeals(Seal, Protocol):
    """The seal as those see it who may write it."""

    def state(self) -> SealState:
        """What the tables say now: a foreign seal goes before one that is missing."""
        ...

    def renew(self) -> None:
        """Seal the tables as they are: only after every withdrawal was replayed, or where there is none."""
        ...
