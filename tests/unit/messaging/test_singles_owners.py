"""Single messages that come twice, late, forged or while another has them."""

from __future__ import annotations

from typing import Any

import pytest

from meghdoot.areas.messaging.holding import Hold
from meghdoot.areas.messaging.singles.model import SingleRef
from meghdoot.kernel.errors import Conflict, NotFound, Unavailable
from tests.support.singles import SENDER, TENANT, SingleWorld, shown


def test_027_a_message_that_comes_twice_is_sent_once() -> None:
    world = SingleWorld()
    taken = world.accept()
    assert [world.deliver(taken.single.ref) for _ in range(3)] == ["accepted", "done", "done"]
    assert world.provider.calls == 1


def test_without_time_for_a_call_the_message_is_put_back_and_nobody_is_in_doubt() -> None:
    world = SingleWorld()
    taken = world.accept()
    world.queue.take()
    assert world.deliver(taken.single.ref, seconds=5) == "put_back"
    assert shown(world)[0] == "pending"
    world.pass_time(2)
    row = world.view().row
    assert row is not None
    assert (row.state, row.attempt, row.doubts) == ("accepted", 1, 0)


def test_a_failure_of_the_pacer_leaves_nobody_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SingleWorld()
    taken = world.accept()

    def broken(*_: Any) -> None:
        raise Unavailable("the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(world.pacer, "lease", broken)
        with pytest.raises(Unavailable):
            world.deliver(taken.single.ref)
    assert shown(world)[0] == "pending"
    world.pass_time(2)
    assert shown(world)[0] == "accepted"


def test_a_message_that_nobody_knows_is_told_apart() -> None:
    world = SingleWorld()
    assert world.deliver(SingleRef(TENANT, "0" * 32)) == "gone"
    with pytest.raises(NotFound) as missing:
        world.service.get(TENANT, "0" * 32)
    assert missing.value.code == "message_not_found"


def test_060_a_forged_word_about_a_single_message_moves_nothing() -> None:
    from dataclasses import replace

    world = SingleWorld()
    world.accept()
    world.send()
    word = world.word(world.provider.accepted[0])
    for forged in (replace(word, customer_id="other"), replace(word, message_id="f" * 32), replace(word, minute="x")):
        assert world.receipts.record([forged]).unmatched == 1
    assert shown(world)[0] == "accepted"


def test_two_who_take_the_same_key_at_once_make_one_message() -> None:
    world = SingleWorld()
    first = world.accept()
    # Given a second request that did not find the first one's message yet
    stored = world.singles.items.pop((TENANT, first.single.id))
    other = world.service._written(first.single.ref, _request())
    world.singles.items[(TENANT, first.single.id)] = stored
    assert world.service._stored(other) == stored


def _request() -> Any:
    from meghdoot.areas.messaging.singles.model import SingleRequest

    return SingleRequest("k-1", "receipt", SENDER, email="rita@x.example", variables={"code": "A-17"})


def test_a_composition_that_somebody_else_stores_at_the_same_time_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SingleWorld()

    def taken(_record: Any) -> None:
        raise Conflict("exists already")

    monkeypatch.setattr(world.compositions, "add", taken)
    assert world.accept().state == "pending"


def test_133_a_sender_that_was_slow_looks_again_before_it_calls() -> None:
    world = SingleWorld()
    world.accept()

    def held_meanwhile(name: str) -> None:
        if name == "after claim row" and not world.holds.items:
            world.holds.items[TENANT] = Hold(TENANT, "all", "kill_switch", "wait", "me", world.clock.now())
            world.clock.advance(seconds=3)

    switch: Any = held_meanwhile
    world.switch, world.watched = switch, True
    assert world.send() == ["put_back"]
    assert not world.provider.accepted
    # And goes on where it stood: nobody was called, nobody is in doubt
    world.watched = False
    world.holds.lift(TENANT)
    world.clock.advance(minutes=2)
    assert world.send() == ["accepted"]
    assert shown(world) == ("accepted", None)
