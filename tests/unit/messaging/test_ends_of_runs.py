"""When a run is over: never while people of it are still to be walked, and always once nobody is left."""

from __future__ import annotations

from typing import Any

from meghdoot.areas.messaging.model import Run
from tests.support.killing import CONTENT, TENANT, World


def a_run_of_two_slices(world: World) -> Run:
    return world.service.create_run(
        TENANT, email_campaign_id="e1", campaign_id=None, purpose="marketing", segment_ids=["s1"], content=CONTENT,
        attribution_days=7, daily_cap=None, weekly_cap=None, expected_people=100_000,
    )  # fmt: skip


def test_a_run_cancelled_while_it_is_planned_ends_and_is_forgotten() -> None:
    world = World(20)
    run = a_run_of_two_slices(world)
    assert world.planner.plan_slice(TENANT, run.id, 0) == 1
    world.service.cancel(TENANT, run.id)
    world.drain()
    assert world.service.get(TENANT, run.id).finished_at is not None
    assert world.live.all() == []


def test_a_run_that_ends_while_a_slice_is_planned_gets_nobody_any_more() -> None:
    world = World(20)
    run = a_run_of_two_slices(world)
    world.planner.plan_slice(TENANT, run.id, 0)
    planned = world.service.get(TENANT, run.id).audience

    def cancelled_meanwhile(name: str) -> None:
        if name == "after create chunk":
            world.watched = False
            world.service.cancel(TENANT, run.id)
            world.drain()
            assert world.live.all() == []

    switch: Any = cancelled_meanwhile
    world.switch, world.watched = switch, True
    world.planner.plan_slice(TENANT, run.id, 1)
    over = world.service.get(TENANT, run.id)
    assert (over.audience, world.queue.take()) == (planned, [])
    assert world.service.accounting(over) == {"cancelled": planned}
    assert over.root is not None


def test_a_run_is_not_over_while_a_slice_was_planned_behind_the_sweepers_back() -> None:
    world = World(20)
    run = a_run_of_two_slices(world)
    world.planner.plan_slice(TENANT, run.id, 0)
    for ref in world.queue.take():
        world.deliver(ref)
    as_it_was = world.service.get(TENANT, run.id)
    world.planner.plan_slice(TENANT, run.id, 1)
    assert not world.sweeper.sweep(as_it_was).over
    assert world.service.get(TENANT, run.id).status == "sending"
    world.drain()
    assert world.service.get(TENANT, run.id).status == "done"
