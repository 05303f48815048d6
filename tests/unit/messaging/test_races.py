"""Two campaigns over the same people, several senders on the same chunks, in hundreds of orders."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from meghdoot.adapters.memory.messaging import MemoryChunks
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Run
from tests.support.killing import TENANT, Killed, World
from tests.support.turns import Turns

PEOPLE = 30


class LeasesAlwaysOver(MemoryChunks):
    """Clocks that lie: every owner looks dead, so that chunks have several living owners all the time."""

    def get(self, ref: ChunkRef) -> Chunk | None:
        chunk = super().get(ref)
        return None if chunk is None else replace(chunk, lease_until=0)


def race(seed: int, *, workers: int, zombies: bool, kills: float = 0.0) -> tuple[World, list[Run]]:
    world = World(PEOPLE)
    if zombies:
        world.chunks.__class__ = LeasesAlwaysOver
    runs = [world.launch(daily_cap=1), world.launch(daily_cap=1)]
    refs = world.queue.take()
    turns = Turns(seed)

    def io(name: str) -> None:
        turns.switch(name)
        if kills and turns.chance.random() < kills:
            raise Killed(name)

    def work() -> None:
        for ref in turns.chance.sample(refs, len(refs)):
            world.deliver_watched(ref)

    world.switch = io  # type: ignore[assignment]
    world.stay_watched = True
    turns.run([work] * workers)
    world.watched = world.stay_watched = False
    return world, runs


def assert_kept(world: World, runs: list[Run], seed: int) -> None:
    world.drain()
    sent = Counter((mail.tags["run"], mail.tags["customer"]) for mail in world.provider.accepted)
    assert max(sent.values()) == 1, f"seed {seed}: doubled"
    assert max(world.accepted().values()) == 1, f"seed {seed}: over the cap of one a day"
    for run in runs:
        people = world.service.accounting(world.service.get(TENANT, run.id))
        assert sum(people.values()) == PEOPLE, seed
        assert not people.keys() & {"pending", "calling"}, seed


@pytest.mark.parametrize("part", range(4))
def test_090_two_campaigns_at_once_never_pass_a_cap_nor_double(part: int) -> None:
    for seed in range(part, 48, 4):
        world, runs = race(seed, workers=3, zombies=False)
        assert_kept(world, runs, seed)
        assert sum(world.accepted().values()) == PEOPLE


@pytest.mark.parametrize("part", range(4))
def test_087_owners_who_think_each_other_dead_never_double(part: int) -> None:
    for seed in range(part, 60, 4):
        assert_kept(*race(seed, workers=3, zombies=True), seed)


@pytest.mark.parametrize("part", range(4))
def test_045_kills_among_owners_who_think_each_other_dead_never_double(part: int) -> None:
    for seed in range(part, 60, 4):
        assert_kept(*race(seed, workers=4, zombies=True, kills=0.02), seed)
