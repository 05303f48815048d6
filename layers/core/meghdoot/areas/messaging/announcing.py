"""Lets busy senders hear of tenants whose chunks were just queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from meghdoot.areas.messaging.model import ChunkRef
from meghdoot.areas.messaging.pacing_ports import RateBook
from meghdoot.areas.messaging.ports import ChunkQueue
from meghdoot.areas.messaging.rules import sharing
from meghdoot.kernel.clock import Clock

_KEPT_SECONDS = 3600


@dataclass(slots=True)
class AnnouncingQueue:
    """A queue of chunks that also writes who waits into the book of slots: one write for a tenant in two minutes.

    `line` names the account whose slots the chunks want.
    """

    queue: ChunkQueue
    book: RateBook
    line: str
    clock: Clock
    _told: dict[str, str] = field(default_factory=dict)

    def put(self, refs: Sequence[ChunkRef], *, delay_seconds: int = 0) -> None:
        """Announce and enqueue. The word comes first: a failure then leaves nothing that would be queued twice."""
        if not delay_seconds:
            for tenant in sorted({ref.tenant for ref in refs}):
                self._announce(tenant)
        self.queue.put(refs, delay_seconds=delay_seconds)

    def _announce(self, tenant: str) -> None:
        second = int(self.clock.now().timestamp())
        word = sharing.waiting_word(tenant, second)
        if self._told.get(tenant) == word:
            return
        self.book.wait(self.line, word, second + _KEPT_SECONDS)
        if len(self._told) > 1000:
            self._told = {}
        self._told[tenant] = word
