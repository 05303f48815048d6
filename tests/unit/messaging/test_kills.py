"""Every chunk message comes twice and the sender is ended at each of its I/O calls in turn: nobody twice, nobody lost.

Truth is what the provider really took, not what the ledger says.
"""

from __future__ import annotations

import pytest

from meghdoot.areas.messaging.model import WAVE_SIZE, Outcome, Run
from tests.support.killing import Switch, World

PEOPLE, SLICES = 44, 2


def campaign(switch: Switch) -> tuple[World, Run]:
    world = World(PEOPLE, SLICES, switch)
    return world, world.launch(daily_cap=1, weekly_cap=3)


def send_all(world: World) -> None:
    refs = world.queue.take()
    assert len(refs) == SLICES
    for ref in [ref for ref in refs for _ in range(2)]:
        world.deliver_watched(ref)
    world.drain()


def calls_of_one_run() -> int:
    switch = Switch()
    world, _ = campaign(switch)
    send_all(world)
    return switch.seen


def assert_nobody_twice_nobody_lost(world: World, run: Run) -> dict[str, int]:
    accepted, letters = world.accepted(), world.letters(run)
    assert max(accepted.values()) == 1, "somebody was sent twice"
    people = world.service.accounting(world.service.get(run.tenant, run.id))
    assert sum(people.values()) == PEOPLE, "somebody is not accounted for"
    assert set(people) <= {"accepted", "unknown"}, people
    for customer, letter in letters.items():
        assert letter == "u" or (letter == "a") == (customer in accepted), f"{customer} is {letter}"
    return people


def test_without_a_kill_everybody_is_sent_once_and_nobody_is_unknown() -> None:
    world, run = campaign(Switch())
    send_all(world)
    assert assert_nobody_twice_nobody_lost(world, run) == {"accepted": PEOPLE}
    assert world.service.get(run.tenant, run.id).status == "done"


@pytest.mark.parametrize("part", range(4))
def test_045_a_kill_at_any_io_call_sends_nobody_twice_and_loses_nobody(part: int) -> None:
    # Given every place before and after an I/O call of the whole run
    for at in range(part, calls_of_one_run(), 4):
        world, run = campaign(Switch(at))
        # When the process ends there, and every message comes twice
        send_all(world)
        # Then at most the wave that was being called is unknown
        people = assert_nobody_twice_nobody_lost(world, run)
        assert people.get("unknown", 0) <= WAVE_SIZE, at
        if not people.get("unknown"):
            continue
        # And once the provider has spoken, exactly those whom it never took remain so
        world.receipts.record([world.delivery_of(mail) for mail in world.provider.accepted])
        world.clock.advance(hours=25)
        world.sweeper.sweep_all()
        settled = world.service.accounting(world.service.get(run.tenant, run.id))
        assert settled.get("delivered", 0) == len(world.accepted()), at
        assert sum(settled.values()) == PEOPLE
        assert settled.get("unknown", 0) == PEOPLE - len(world.accepted())


@pytest.mark.parametrize("part", range(4))
def test_029_an_owner_whose_lease_ran_out_is_fenced_at_any_io_call(part: int) -> None:
    for at in range(part, calls_of_one_run(), 4):
        switch = Switch(at)
        world, run = campaign(switch)
        refs = world.queue.take()

        def takeover(world: World = world, refs: list = refs) -> None:  # type: ignore[type-arg]
            # The owner stands still for longer than its lease; somebody else does all the work; then it wakes.
            world.watched = False
            world.clock.advance(minutes=10)
            for ref in refs:
                world.deliver(ref)
            world.watched = True

        switch.do = takeover
        for ref in refs:
            world.deliver_watched(ref)
        world.drain()
        accepted = world.accepted()
        assert sum(accepted.values()) >= PEOPLE - WAVE_SIZE
        people = world.service.accounting(world.service.get(run.tenant, run.id))
        assert sum(people.values()) == PEOPLE
        assert max(accepted.values()) == 1, (at, switch.names[at])


def test_041_an_ambiguous_answer_parks_one_person_and_calls_nobody_again() -> None:
    world, run = campaign(Switch())
    world.provider.failure = lambda _mail, number: Outcome("ambiguous", code="503") if number == 7 else None
    world.provider.takes_ambiguous = True
    send_all(world)
    assert assert_nobody_twice_nobody_lost(world, run) == {"accepted": PEOPLE - 1, "unknown": 1}
    assert world.provider.calls == PEOPLE
