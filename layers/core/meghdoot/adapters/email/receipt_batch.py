"""Many messages of a provider's events, recorded in as few calls as one would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from meghdoot.adapters.email.ses_events import parse
from meghdoot.areas.messaging.model import Fact
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.kernel.errors import AppError


@dataclass(slots=True)
class ReceiptBatch:
    """One invocation's messages. First all `together`; then `tell` each, which does what is not yet done."""

    receipts: ReceiptService
    provider: str
    seen: Counter[str] = field(default_factory=Counter)
    """Counts of what was recorded, and of what is of no use to us by its reason."""
    trouble: str = ""
    """Why the batch could not be recorded as one; empty when it could."""
    _done: set[str] = field(default_factory=set)

    def together(self, bodies: Sequence[str]) -> None:
        """Record every message that can be read as one. What fails here, `tell` meets again, message by message."""
        readable: list[str] = []
        facts: list[Fact] = []
        for body in bodies:
            try:
                parsed = parse(body, self.provider)
            except AppError:
                continue
            if parsed.ignored is None:
                readable.append(body)
                facts += parsed.facts
        try:
            self._record(facts)
        except Exception as e:  # noqa: BLE001  # whatever it is, `tell` meets it again and raises it for its message alone
            self.trouble = type(e).__name__
        else:
            self._done.update(readable)

    def tell(self, body: str) -> None:
        """Record one message unless that is done. Raises Malformed for what cannot be read, and what storage raises."""
        if body in self._done:
            return
        parsed = parse(body, self.provider)
        if parsed.ignored is not None:
            self.seen[f"ignored:{parsed.ignored}"] += 1
        else:
            self._record(parsed.facts)

    def _record(self, facts: Sequence[Fact]) -> None:
        done = self.receipts.record(facts)
        for name in ("born", "climbed", "suppressed", "unmatched"):
            self.seen[name] += getattr(done, name)
