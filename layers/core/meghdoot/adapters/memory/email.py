"""A provider in memory: records the mails that it truly accepted, and fails as it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from meghdoot.adapters.memory.messaging import Io, effect, silent
from meghdoot.areas.messaging.model import OutboundEmail, Outcome

Failure = Callable[[OutboundEmail, int], Outcome | None]
"""A mail and the number of the call to an outcome; None lets the mail through."""


@dataclass
class MemoryProvider:
    """`calls` counts POSTs, `accepted` holds what was taken. An ambiguous outcome may have been taken all the same."""

    name: str = "memory"
    io: Io = silent
    failure: Failure = lambda _mail, _number: None
    takes_ambiguous: bool = False
    calls: int = 0
    accepted: list[OutboundEmail] = field(default_factory=list)

    def send(self, mail: OutboundEmail) -> Outcome:
        with effect(self.io, "send"):
            self.calls += 1
            failed = self.failure(mail, self.calls)
            if failed is None or (failed.kind == "ambiguous" and self.takes_ambiguous):
                self.accepted.append(mail)
            return failed or Outcome("accepted", f"m-{self.calls}")
