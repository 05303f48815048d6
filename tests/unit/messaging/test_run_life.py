"""The life of a run is a table; test sends stand outside of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from meghdoot.areas.messaging.model import Outcome
from meghdoot.areas.messaging.service import TestSends
from meghdoot.areas.messaging.steps import RunSteps, wait_seconds
from meghdoot.kernel.errors import Conflict, Invalid, NotFound
from meghdoot.kernel.ids import SystemIds
from tests.support.killing import CONTENT, TENANT, World, people


def test_a_run_that_is_over_takes_no_more_orders() -> None:
    world = World(2)
    run = world.launch()
    world.drain()
    for act in (
        lambda: world.service.pause(TENANT, run.id, "x"),
        lambda: world.service.resume(TENANT, run.id),
        lambda: world.service.cancel(TENANT, run.id),
    ):
        with pytest.raises(Conflict) as e:
            act()
        assert e.value.code == "run_over"


def test_094_pause_and_cancel_may_be_repeated() -> None:
    world = World(2)
    run = world.launch()
    assert world.service.pause(TENANT, run.id, "a") == world.service.pause(TENANT, run.id, "b")
    assert world.service.cancel(TENANT, run.id) == world.service.cancel(TENANT, run.id)
    with pytest.raises(NotFound):
        world.service.get("other", run.id)


def test_the_steps_of_a_run_watch_until_nobody_is_left() -> None:
    world = World(3)
    run = world.launch(run_id="r1")
    steps = RunSteps(world.planner, world.service, world.sweeper)
    assert steps.plan(TENANT, "r1", 0) is None
    checked = steps.check(TENANT, "r1", 3)
    assert (checked.done, checked.round) == (False, 4)
    for ref in world.queue.take():
        world.deliver(ref)
    assert steps.check(TENANT, "r1", 4).done
    assert steps.close(TENANT, "r1").status == "done"
    assert steps.fail(TENANT, "r1", "RuntimeError").status == "done"
    assert people(world, run) == {"accepted": 3}


def test_a_failed_step_pauses_the_run_and_says_why() -> None:
    world = World(3)
    world.launch(run_id="r1")
    failed = RunSteps(world.planner, world.service, world.sweeper).fail(TENANT, "r1", "States.Timeout")
    assert (failed.status, failed.pause_reason) == ("paused", "run_failed:States.Timeout")


def test_waits_grow_so_that_a_week_of_watching_fits() -> None:
    waits = [wait_seconds(n) for n in range(3000)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1, 300)
    assert sum(waits[:2500]) > 7 * 86_400


def a_tester(world: World) -> TestSends:
    return TestSends(world.mails, world.provider, world.clock, SystemIds(world.clock))


def test_eml11_test_mails_go_to_named_addresses_outside_of_all_figures() -> None:
    world = World(0)
    seen = []
    honest = world.composers.of
    world.composers.of = lambda run, language: (seen.append(run.content.subject_line), honest(run, language))[1]  # type: ignore[method-assign]
    answers = a_tester(world).send_test(
        TENANT, CONTENT, "marketing", ["a@x.example", "b@x.example"], fields={"first_name": "R"}
    )
    assert [(address, o.kind) for address, o in answers] == [("a@x.example", "accepted"), ("b@x.example", "accepted")]
    assert set(seen) == {"[TEST] Hello"}
    assert [mail.tags for mail in world.provider.accepted] == [{}, {}]
    assert world.runs.all(TENANT) == []


@pytest.mark.parametrize("addresses", [[], [f"a{n}@x.example" for n in range(6)]])
def test_eml11_test_mails_go_to_at_most_five(addresses: list[str]) -> None:
    world = World(0)
    with pytest.raises(Invalid):
        a_tester(world).send_test(TENANT, CONTENT, "marketing", addresses, fields={"first_name": "R"})
    assert world.provider.calls == 0


def test_the_window_of_unknown_is_a_setting() -> None:
    for hours, letter in ((3, "u"), (1, "U")):
        world = World(1)
        world.provider.failure = lambda _mail, _number: Outcome("ambiguous")
        run = world.launch()
        for ref in world.queue.take():
            world.deliver(ref)
        world.clock.advance(hours=2)
        world.evidence.heard("memory", world.clock.now())
        replace(world.sweeper, unknown_after=timedelta(hours=hours)).sweep(world.service.get(run.tenant, run.id))
        assert set(world.letters(run).values()) == {letter}
