"""A disaster: the tables come back from a backup, and with them the past. Queues, buckets and `work` are as they were."""

from __future__ import annotations

from typing import Any

from meghdoot.adapters.memory.consent import MemoryWithdrawalReader
from meghdoot.adapters.memory.holding import MemoryUnfinishedRuns
from meghdoot.areas.messaging.restoring import RestoreService
from tests.sim.scheduler import Worker
from tests.sim.world import World
from tests.support.killing import TENANT


class Restore:
    """Backup, loss, restore and replay at times of its own."""

    def __init__(self, world: World, at: float) -> None:
        chance = world.chance
        self.world = world
        self.backup_at = at + chance() * 300
        self.lost_at = self.backup_at + 1 + chance() * (120 if chance() < 0.5 else 3600)
        self.replayed_at = self.lost_at + 60 + chance() * 1800
        self.kept: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self.closed: dict[str, int] = {}
        self.shut: dict[str, int] = {}
        self.cursor: str | None = None
        world.scheduler.at(self.backup_at, self._backup)
        world.scheduler.at(self.lost_at, self._lose)

    def _stores(self) -> list[dict[Any, Any]]:
        w = self.world
        return [
            w.gate_store._gates, w.ledger._entries, w.suppressions._items, w.people.profiles, w.chunks.items, w.rows.rows,
            w.touches._first, w.runs._items, w.holds.items, *w.restored_too,
        ]  # fmt: skip

    def _backup(self) -> None:
        self.kept = [(store, dict(store)) for store in self._stores()]
        self.closed, self.shut = dict(self.world.watch.closed), dict(self.world.watch.shut)

    def _lose(self) -> None:
        """Whatever runs meets a table that is gone, and dies; then the backup stands there under the old name."""
        world = self.world
        world.weather.happened["restored"] += 1
        world.scheduler.end_all()
        world.idle.clear()
        before, messages = set(world.runs._items), {key for store in world.restored_too for key in store}
        for store, kept in self.kept:
            dict.clear(store)
            dict.update(store, kept)
        world.seal.whole, world.seal.born = False, world.clock.now()
        world.lost_runs = {run_id for _, run_id in before - set(world.runs._items)}
        world.watch.lost_messages = {name for _, name in messages.difference(*world.restored_too)}
        world.watch.forget(world.runs._items, world.chunks.items, world.holds.items)
        self._still_true()
        world.scheduler.at(self.replayed_at, self._replay)

    def _still_true(self) -> None:
        """The noes that hold: those of the backup, and those of which a line is kept. A clerk's decision leaves none."""
        watch, lines = self.world.watch, self.world.log.lines
        said = {line.customer_id for line in lines}
        barred = {line.customer_id for line in lines if line.kind != "unsubscribe"}
        watch.closed = self.closed | {c: step for c, step in watch.closed.items() if c in said}
        watch.shut = self.shut | {c: step for c, step in watch.shut.items() if c in barred}

    def _replay(self) -> None:
        self.world.job("restore", self._work, life=900.0, tries=99, wait=60.0)

    def _work(self, _worker: Worker) -> None:
        world = self.world
        service = RestoreService(
            MemoryWithdrawalReader(world.log), world.consent, world.people, world.people, world.runs,
            MemoryUnfinishedRuns(world.runs, [TENANT]), world.live, world.seal, world.clock, self._told,
        )  # type: ignore[arg-type]  # fmt: skip
        service.replay(self.cursor)

    def _told(self, after: str, _counts: object) -> None:
        self.cursor = after
