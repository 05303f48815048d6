"""Calls of a wave side by side: never more than so many, none twice, and each answer to its own person."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from meghdoot.adapters.runway import ThreadRunway
from meghdoot.areas.messaging.flight import Flight, Landing, OneByOne
from meghdoot.areas.messaging.model import OutboundEmail, Outcome, Run
from meghdoot.areas.messaging.sender import SenderService
from tests.support.killing import TENANT, World


@dataclass
class LateLanding:
    """A call whose answer is there only when somebody waits for it."""

    call: Callable[[], Outcome]
    waited_for: list[LateLanding]

    def done(self) -> bool:
        return False

    def result(self) -> Outcome:
        self.waited_for.append(self)
        return self.call()


@dataclass
class LateRunway:
    """Answers come only when they are waited for; counts how many calls were under way at most."""

    at_once: int = 4
    started: int = 0
    most: int = 0
    landed: list[LateLanding] = field(default_factory=list)

    def start(self, call: Callable[[], Outcome]) -> Landing:
        self.started += 1
        self.most = max(self.most, self.started - len(self.landed))
        return LateLanding(call, self.landed)


def sender_of(world: World, runway: LateRunway) -> SenderService:
    made = world.sender()
    made.runway = runway
    return made


def sent(people: int, outcomes: dict[int, Outcome] | None = None, at_once: int = 4) -> tuple[World, Run, LateRunway]:
    world, runway = World(people), LateRunway(at_once)
    run = world.launch()
    if outcomes:
        world.provider.failure = lambda _mail, number: outcomes.get(number)
    for ref in world.queue.take():
        sender_of(world, runway).handle(ref, lambda: 300.0)
    return world, run, runway


def letters(world: World) -> str:
    return "".join(chunk.letters for chunk in world.chunks.items.values())


def test_never_more_calls_are_under_way_than_allowed_and_each_person_is_called_once() -> None:
    world, run, runway = sent(60)
    assert (runway.started, runway.most, len(runway.landed)) == (60, 4, 60)
    assert world.service.accounting(world.service.get(TENANT, run.id)) == {"accepted": 60}


def test_one_at_a_time_is_what_nobody_has_asked_to_change() -> None:
    assert World(1).sender().runway == OneByOne()
    flight = Flight(OneByOne())
    flight.start(7, 1.0, lambda: Outcome("accepted"))
    assert [index for index, _, _ in flight.landed(0)] == [7]


def test_each_answer_goes_to_its_own_person_whatever_the_order() -> None:
    world, _, _ = sent(25, {3: Outcome("refused", code="bad"), 5: Outcome("ambiguous", code="Timeout")}, at_once=8)
    assert (letters(world).count("f"), letters(world).count("u"), letters(world).count("a")) == (1, 1, 23)


def test_a_provider_that_stops_us_is_asked_for_no_more_but_what_is_under_way_is_kept() -> None:
    world, _, runway = sent(25, {1: Outcome("stop", code="account_paused")}, at_once=4)
    assert runway.started == 4
    assert letters(world).count("a") == 3
    assert letters(world).count(".") == 22, "the stopped call came to a definite no, the others were not called"


def test_a_call_that_breaks_is_parked_and_the_others_keep_their_answers() -> None:
    world, runway = World(10), LateRunway(4)
    world.launch()
    (ref,) = world.queue.take()
    send, calls = world.provider.send, [0]

    def breaks_once(mail: OutboundEmail) -> Outcome:
        calls[0] += 1
        if calls[0] == 2:
            raise RuntimeError("broken")
        return send(mail)

    made = sender_of(world, runway)
    made.provider = replace_send(made.provider, breaks_once)
    with pytest.raises(RuntimeError):
        made.handle(ref, lambda: 300.0)
    found = letters(world)
    assert found.count("u") == 1
    assert found.count("a") == len(world.provider.accepted)
    assert found.count("a") + found.count("u") + found.count(".") == 10
    assert "c" not in found


def replace_send(provider: object, send: Callable[[OutboundEmail], Outcome]) -> object:
    class Breaking:
        name = provider.name  # type: ignore[attr-defined]

        def send(self, mail: OutboundEmail) -> Outcome:
            return send(mail)

    return Breaking()


def test_threads_wait_for_the_network_side_by_side() -> None:
    # Given calls of which each waits until three others are under way, then they meet: one after another none would end
    together, runway = threading.Barrier(4, timeout=20), ThreadRunway(4)

    def call() -> Outcome:
        together.wait()
        return Outcome("accepted", provider_id="p")

    flight = Flight(runway)
    for index in range(4):
        flight.start(index, 0.0, call)
    assert sorted(index for index, _, _ in flight.landed(0)) == [0, 1, 2, 3]


def test_a_failure_in_a_thread_is_raised_to_whoever_waits_for_it() -> None:
    def breaks() -> Outcome:
        raise RuntimeError("broken")

    flight = Flight(ThreadRunway(2))
    flight.start(0, 0.0, breaks)
    with pytest.raises(RuntimeError):
        list(flight.landed(0))
