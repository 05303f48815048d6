"""Breakages of the sweeper: work that nobody wakes, silence that proves nothing, runs that end too early."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SWEEPER_MODULE = "meghdoot.areas.messaging.sweeper"
LETTERS = "meghdoot.areas.messaging.rules.letters"

SWEEPER = (
    Mutant("sweeper", "no requeue of pending", SWEEPER_MODULE,
        "return max(chunk.lease_until, chunk.queued_until) <= now.timestamp()", "return False",
        "a lost message is never put again"),
    Mutant("sweeper", "no wait for evidence", SWEEPER_MODULE,
        "return heard is not None and heard.timestamp() > chunk.parked_at", "return True",
        "silence is taken for absence while nothing is heard of anybody"),
    Mutant("sweeper", "old evidence proves", SWEEPER_MODULE,
        "return heard is not None and heard.timestamp() > chunk.parked_at", "return heard is not None",
        "events about earlier mails prove that a later one was lost"),
    Mutant("sweeper", "no window", SWEEPER_MODULE,
        "if now.timestamp() - chunk.parked_at < self.unknown_after.total_seconds():", "if False:",
        "parked people are given up at the first tick"),
    Mutant("sweeper", "rows lift nobody", LETTERS,
        "if changed[index] in (PARKED, UNKNOWN):", "if False:",
        "people of whom the provider spoke stay unknown"),
    Mutant("sweeper", "rows lift everybody", SWEEPER_MODULE,
        "return [people[row.customer_id] for row in self.rows.get_many(run.tenant, keys).values()]",
        "return list(people.values())",
        "people of whom nobody spoke count as accepted"),
    Mutant("sweeper", "over while work is left", SWEEPER_MODULE,
        "finished = run if total.work_left else self._finish(run)\n        if total.work_left or finished.finished_at is None:",
        "finished = self._finish(run)\n        if finished.finished_at is None:",
        "a run is done before its people are"),
    Mutant("sweeper", "over before it is walked", SWEEPER_MODULE,
        "if stored.finished_at is not None or stored.slice_chunks != run.slice_chunks:", "if stored.finished_at is not None:",
        "a run is done although its last slice came after the walk"),
    Mutant("sweeper", "unproven runs forgotten", SWEEPER_MODULE,
        "if what.over and not what.parked_left and what.unproven is None:", "if what.over and not what.parked_left:",
        "a run whose proof could not be kept is never proven"),
    Mutant("sweeper", "parked people forgotten", SWEEPER_MODULE,
        "if what.over and not what.parked_left and what.unproven is None:", "if what.over and what.unproven is None:",
        "nobody looks after those whose fate is unknown"),
    Mutant("sweeper", "a message with every tick", SWEEPER_MODULE,
        "            self.chunks.queued(chunk, until)", "            pass",
        "a chunk in a long queue gets another message with every tick"),
    Mutant("sweeper", "living owners are disturbed", SWEEPER_MODULE,
        "return max(chunk.lease_until, chunk.queued_until) <= now.timestamp()",
        "return chunk.queued_until <= now.timestamp()",
        "a chunk whose owner works is put into the queue again"),
    Mutant("sweeper", "the time of parking is not kept", LETTERS,
        "return replace(replaced(chunk, CALLING, PARKED), parked_at=now_seconds)",
        "return replaced(chunk, CALLING, PARKED)",
        "the window of the unknown counts from 1970"),
)  # fmt: skip
