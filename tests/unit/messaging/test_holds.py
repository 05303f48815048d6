"""The kill switch: within seconds nobody of the tenant is called, nobody is lost, and all go on where they stood."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from meghdoot.adapters.email.outcomes import _BY_SENTENCE, CODES
from meghdoot.areas.messaging.holding import Hold, HoldScope
from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from meghdoot.areas.messaging.rules.pausing import pause_words
from meghdoot.areas.messaging.sending import SendingService
from meghdoot.kernel.errors import Conflict, Invalid
from tests.support.killing import START, TENANT, World, people


def hold(scope: HoldScope = "all", tenant: str = TENANT) -> Hold:
    return Hold(tenant, scope, "kill_switch", "Wrong price", "key:ops", START)


def sending(world: World) -> SendingService:
    return SendingService(world.holds, world.service, world.clock)


class SlowProvider:
    """Takes mails, `seconds` each, and remembers when; the switch is thrown while it takes number `at`."""

    def __init__(self, world: World, seconds: float, at: int) -> None:
        self.world, self.seconds, self.at = world, seconds, at
        self.taken: list[datetime] = []
        self.thrown: datetime | None = None

    def __call__(self, _mail: OutboundEmail, number: int) -> Outcome | None:
        self.taken.append(self.world.clock.now())
        if number == self.at:
            sending(self.world).stop(TENANT, "key:ops", "Wrong price")
            self.thrown = self.world.clock.now()
        self.world.clock.advance(seconds=self.seconds)
        return None


@pytest.mark.parametrize("seconds", [0.04, 0.5, 2.0])
@pytest.mark.parametrize("at", [1, 13, 25, 40])
def test_133_the_kill_switch_stops_a_tenant_within_five_seconds_and_loses_nobody(seconds: float, at: int) -> None:
    # Given a campaign whose provider takes its time
    world = World(60)
    run = world.launch()
    slow = SlowProvider(world, seconds, at)
    world.provider.failure = slow
    # When somebody throws the switch in the middle of a wave
    (ref,) = world.queue.take()
    assert world.deliver(ref).result == "held"
    # Then nobody is called five seconds later, and whoever was claimed and not called is pending again
    assert slow.thrown is not None
    assert max(slow.taken) - slow.thrown <= timedelta(seconds=5)
    called = len(slow.taken)
    assert people(world, run) == {"accepted": called, "pending": 60 - called}
    # And the message that comes again calls nobody
    assert world.deliver(ref).result == "held"
    assert len(slow.taken) == called
    # And once it is lifted everybody is sent exactly once
    _, runs = sending(world).resume(TENANT)
    assert runs == 1
    assert [ref for ref, _ in world.queue.messages] == [ref]
    world.drain()
    assert people(world, run) == {"accepted": 60}
    assert set(world.accepted().values()) == {1}


def test_133_the_sweeper_wakes_nobody_whose_tenant_is_held() -> None:
    world = World(30)
    run = world.launch()
    world.queue.take()
    world.holds.put(hold())
    world.clock.advance(hours=2)
    assert world.sweeper.sweep(run).enqueued == 0
    assert world.queue.messages == []
    world.holds.lift(TENANT)
    assert world.sweeper.sweep(run).enqueued == 1


def test_133_another_tenants_switch_stops_nobody_here() -> None:
    world = World(30)
    run = world.launch()
    world.holds.put(hold(tenant="other"))
    world.drain()
    assert people(world, run) == {"accepted": 30}


def test_a_hold_of_marketing_lets_transactional_messages_pass() -> None:
    for purpose, end in (("marketing", "held"), ("transactional", "done")):
        world = World(3)
        world.launch(purpose=purpose)
        world.holds.put(hold("marketing"))
        assert world.deliver(world.queue.take()[0]).result == end


def test_a_run_that_was_cancelled_ends_although_its_tenant_is_held() -> None:
    world = World(30)
    run = world.launch()
    world.holds.put(hold())
    world.service.cancel(TENANT, run.id)
    world.drain()
    assert people(world, run) == {"cancelled": 30}


def test_a_pause_is_seen_between_the_calls_of_a_wave_too() -> None:
    world = World(25)
    run = world.launch()

    def paused(_mail: OutboundEmail, number: int) -> Outcome | None:
        if number == 5:
            world.service.pause(TENANT, run.id, "by hand")
        world.clock.advance(seconds=2)
        return None

    world.provider.failure = paused
    assert world.deliver(world.queue.take()[0]).result == "paused"
    assert people(world, run) == {"accepted": 5, "pending": 20}


def test_a_sender_looks_about_once_a_second_and_not_at_each_call() -> None:
    world = World(60)
    world.launch()
    world.provider.failure = lambda _mail, _number: world.clock.advance(seconds=0.04)
    (ref,) = world.queue.take()
    world.watched = True
    before = world.clock.now()
    world.deliver(ref)
    looks = world.switch.names.count("before look")
    assert looks <= (world.clock.now() - before).total_seconds() + 2


def test_the_stricter_hold_stays() -> None:
    world = World(1)
    assert world.holds.put(hold("marketing"))
    assert not world.holds.put(hold("marketing"))
    assert world.holds.put(hold("all"))
    assert not world.holds.put(hold("marketing"))
    found = world.holds.get(TENANT)
    assert found is not None
    assert found.scope == "all"


def test_nothing_to_lift_and_nothing_to_say_are_refused() -> None:
    world = World(1)
    with pytest.raises(Conflict) as none:
        sending(world).resume(TENANT)
    assert none.value.code == "not_held"
    for words in ("", " \n", "x" * 501):
        with pytest.raises(Invalid):
            sending(world).stop(TENANT, "key:ops", words)


def test_080_behind_a_broken_seal_nobody_is_called_and_the_message_comes_back_later() -> None:
    world = World(30)
    run = world.launch()
    (ref,) = world.queue.take()
    world.seal.whole = False
    assert world.deliver(ref).result == "sealed"
    ((again, delay),) = world.queue.messages
    assert again == ref
    assert delay >= 60
    assert people(world, run) == {"pending": 30}
    world.seal.renew()
    world.drain()
    assert people(world, run) == {"accepted": 30}


def test_every_code_that_stops_a_run_has_words_in_both_languages() -> None:
    stops = {code for code, kind in CODES.items() if kind in ("stop", "wait_quota")}
    stops |= {code for code, _, kind in _BY_SENTENCE if kind == "stop"}
    for code in stops | {"provider_refuses", "run_failed:States.Timeout", "restored", "NoCredentialsError"}:
        english, bangla = pause_words(code, "en"), pause_words(code, "bn")
        assert english is not None
        assert bangla is not None
        assert english.endswith(".")
        assert bangla.endswith("।")
        assert english != code


def test_what_a_person_said_is_said_as_it_was_and_an_unknown_code_has_words_too() -> None:
    assert pause_words("Wrong price", "bn") == "Wrong price"
    assert pause_words("oops", "en") == "oops"
    assert pause_words(None, "en") is None
    assert pause_words("SomethingNewException", "en") == pause_words("provider_refuses", "en")
