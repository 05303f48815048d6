"""The reader of the activity stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meghdoot.areas.analytics.counting import advanced, by_counter
from meghdoot.areas.analytics.model import Change, CounterKey
from meghdoot.areas.analytics.ports import CounterStore
from meghdoot.kernel.errors import AppError, Unavailable

_TRIES = 5


@dataclass(frozen=True, slots=True)
class CounterService:
    """Adds batches of a shard to the counters."""

    store: CounterStore

    def count(self, stream: str, shard: str, changes: Sequence[Change]) -> list[str]:
        """Add what is new. Answers the first sequence of every counter that could not be written: those come again.

        One counter that fails stops no other.
        """
        failed = []
        for key, group in by_counter(stream, shard, changes).items():
            try:
                self._advance(key, group)
            except AppError:
                failed.append(group[0].sequence)
        return sorted(failed)

    def _advance(self, key: CounterKey, group: Sequence[Change]) -> None:
        for _ in range(_TRIES):
            counter = self.store.read(key)
            newer = advanced(counter, group)
            if newer is None or self.store.write(key, newer, counter.last_sequence if counter else None):
                return
        raise Unavailable("another reader of this shard is writing the same counter")
