"""The sender of single messages is ended at each of its I/O calls in turn; everything else goes on as always.

Truth is what the provider really took. Transactional messages are promised at least once, and twice only where no event
came within the window; a marketing message at most once. Nothing vanishes.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.killing import Switch
from tests.support.singles import TENANT, SingleWorld

RECEIPT: dict[str, Any] = {}
CODE: dict[str, Any] = {"kind": "otp"}
OFFER: dict[str, Any] = {"template_id": "offer", "purpose": "marketing"}


def killed(at: int | None, wanted: dict[str, Any], *, events: bool) -> tuple[SingleWorld, Switch]:
    """A world in which the process that sends a message ends at its n-th I/O event, and hours pass.

    With `events` the provider's word about each mail that it took is heard within minutes; without, only others' are.
    """
    switch = Switch(at)
    world = SingleWorld(switch, daily_cap=1)
    rita = world.person()
    taken = world.accept(email=None, customer_id=rita, **wanted)
    world.queue.take()
    world.deliver_watched(taken.single.ref)
    for _ in range(8):
        if events:
            world.receipts.record([world.word(mail) for mail in world.provider.accepted])
        world.pass_time(10)
    for _ in range(30):
        world.clock.advance(hours=1)
        world.pass_time(3)
    return world, switch


def places(wanted: dict[str, Any]) -> int:
    _, switch = killed(None, wanted, events=True)
    return switch.seen


@pytest.mark.parametrize("events", [True, False], ids=["heard", "silent"])
@pytest.mark.parametrize("wanted", [RECEIPT, CODE], ids=["receipt", "code"])
def test_045_a_kill_at_any_io_call_loses_no_transactional_message(wanted: dict[str, Any], events: bool) -> None:
    doubles = []
    for at in range(places(wanted)):
        world, switch = killed(at, wanted, events=events)
        name, times = switch.names[at], sum(world.accepted().values())
        assert times >= 1, f"lost at {name}"
        assert times <= 2, f"more than one double at {name}"
        if times == 2:
            doubles.append(name)
        view = world.service.get(TENANT, world.accepted_id("k-1"))
        assert view.row is not None
        assert view.row.is_over, name
        assert view.state == ("delivered" if events else "accepted"), name
        assert not world.timers.timers, name
    # A double needs a death between the provider's yes and our note of it, and silence in the window that follows
    between = {"after send", "before record row"}
    if wanted is RECEIPT:
        assert set(doubles) == (set() if events else between)
    else:
        assert set(doubles) <= between


@pytest.mark.parametrize("events", [True, False], ids=["heard", "silent"])
def test_045_a_kill_at_any_io_call_sends_no_offer_twice(events: bool) -> None:
    lost = []
    for at in range(places(OFFER)):
        world, switch = killed(at, OFFER, events=events)
        name, times = switch.names[at], sum(world.accepted().values())
        assert times <= 1, f"twice at {name}"
        view = world.service.get(TENANT, world.accepted_id("k-1"))
        assert view.row is not None
        assert view.row.is_over, name
        if times == 0:
            assert view.state == "unknown", name
            lost.append(name)
        # And it is counted once against the caps, however often it was tried
        gate = world.gates.get(TENANT, view.single.customer_id)
        assert gate is not None
        assert gate.counted.count(";") == 0, name
    # Only where the row says that a call was begun, and none was made, can nobody tell
    assert set(lost) <= {"after claim row", "before lease", "after lease", "before send"}


@pytest.mark.parametrize("wanted", [RECEIPT, CODE, OFFER], ids=["receipt", "code", "offer"])
def test_029_an_owner_who_stands_still_and_wakes_up_later_calls_nobody_twice_unless_promised(
    wanted: dict[str, Any],
) -> None:
    for at in range(places(wanted)):
        switch = Switch(at)
        world = SingleWorld(switch)
        taken = world.accept(email=None, customer_id=world.person(), **wanted)
        world.queue.take()

        def meanwhile(world: SingleWorld = world) -> None:
            world.watched = False
            world.pass_time(5)
            world.watched = True

        switch.do = meanwhile
        world.deliver_watched(taken.single.ref)
        world.pass_time(60)
        times, name = sum(world.accepted().values()), switch.names[at]
        # Within its minute the platform would have ended it; a code is sent again at once all the same
        assert 1 <= times <= (2 if wanted is CODE else 1), name


def test_a_kill_of_the_request_leaves_a_message_that_is_sent_or_none_at_all() -> None:
    switch = Switch()
    world = SingleWorld(switch)
    world.watched = True
    world.accept()
    for at in range(switch.seen):
        world = SingleWorld(Switch(at))
        world.watched = True
        with pytest.raises(BaseException, match=r"before|after"):
            world.accept()
        world.watched = False
        known = len(world.singles.items)
        world.pass_time(10)
        assert sum(world.accepted().values()) == known, switch.names[at]
        # And whoever comes again with the same key gets one message
        world.accept()
        world.send()
        assert set(world.accepted().values()) == {1}, switch.names[at]


def test_a_kill_of_the_sweeper_loses_no_message() -> None:
    switch = Switch()
    world = SingleWorld(switch)
    world.accept()
    world.queue.take()
    world.clock.advance(minutes=2)
    world.watched = True
    world.sweeper.sweep()
    for at in range(switch.seen):
        world = SingleWorld(Switch(at))
        world.accept()
        world.queue.take()
        world.clock.advance(minutes=2)
        world.watched = True
        with pytest.raises(BaseException, match=r"before|after"):
            world.sweeper.sweep()
        world.watched = False
        world.queue.take()
        world.pass_time(10)
        assert sum(world.accepted().values()) == 1, switch.names[at]


@pytest.mark.parametrize("wanted", [RECEIPT, CODE, OFFER], ids=["receipt", "code", "offer"])
def test_027_a_second_delivery_at_any_io_call_of_the_first_calls_nobody_twice(wanted: dict[str, Any]) -> None:
    for at in range(places(wanted)):
        switch = Switch(at)
        world = SingleWorld(switch, daily_cap=1)
        taken = world.accept(email=None, customer_id=world.person(), **wanted)
        (ref,) = world.queue.take()

        def second(world: SingleWorld = world, ref: Any = ref) -> None:
            world.watched = False
            world.deliver(ref)
            world.send()
            world.watched = True

        switch.do = second
        world.deliver_watched(ref)
        world.pass_time(5)
        assert world.accepted() == {taken.single.id: 1}, switch.names[at]
        assert world.service.get(TENANT, taken.single.id).state == "accepted", switch.names[at]
