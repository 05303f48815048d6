"""The sweeper forgets nobody: lost messages, dead owners, people parked in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from meghdoot.areas.messaging.model import Outcome, Run
from tests.support.killing import TENANT, Switch, World, people


def test_032_a_message_that_was_lost_is_enqueued_again() -> None:
    world = World(5)
    run = world.launch()
    world.queue.take()
    assert world.sweeper.sweep_all()[0][1].enqueued == 0, "it may still be on its way"
    world.clock.advance(minutes=61)
    assert world.sweeper.sweep_all()[0][1].enqueued == 1
    world.drain()
    assert people(world, run) == {"accepted": 5}


def test_039_chunks_that_wait_in_a_long_queue_do_not_get_a_message_with_every_tick() -> None:
    world = World(5)
    world.launch()
    (ref,) = world.queue.take()
    for _ in range(300):
        world.clock.advance(minutes=1)
        world.sweeper.sweep_all()
    assert len(world.queue.take()) == 5, "one an hour, beside the first"
    # And one that was put back for its quota waits for its own message
    world.provider.failure = lambda _mail, _number: Outcome("wait_quota")
    assert world.deliver(ref).result == "put_back"
    world.clock.advance(minutes=16)
    assert world.sweeper.sweep_all()[0][1].enqueued == 0
    assert len(world.queue.messages) == 1


def test_a_dead_owners_chunk_is_woken_as_soon_as_its_lease_is_over() -> None:
    world = World(60, switch=Switch(24))
    world.launch()
    (ref,) = world.queue.take()
    world.deliver_watched(ref)
    lease = world.chunks.items[ref].lease_until
    assert world.sweeper.sweep_all()[0][1].enqueued == 0
    world.clock.at = world.clock.at.fromtimestamp(lease, world.clock.at.tzinfo)
    assert world.sweeper.sweep_all()[0][1].enqueued == 1


def test_a_notification_without_a_tenant_never_touches_a_customer_that_it_names() -> None:
    world = World(1)
    world.launch()
    world.drain()
    world.owners.claim("news@acme.example", TENANT)
    fact = world.delivery_of(world.provider.accepted[0], "complained")
    world.receipts.record([replace(fact, tenant=None, source_identity="News@acme.example")])
    assert world.suppressed.calls == [(TENANT, "key-of-c00000@x.example", "complaint", None)]


def test_032_a_paused_run_is_not_woken() -> None:
    world = World(5)
    run = world.launch()
    world.queue.take()
    world.service.pause(TENANT, run.id, "by hand")
    world.clock.advance(hours=1)
    assert world.sweeper.sweep_all()[0][1].enqueued == 0


def parked(takes: bool) -> tuple[World, Run]:
    world = World(5)
    run = world.launch()
    world.provider.failure = lambda _mail, number: Outcome("ambiguous") if number == 2 else None
    world.provider.takes_ambiguous = takes
    world.drain()
    return world, run


def test_053_a_parked_person_is_lifted_by_the_providers_word() -> None:
    world, run = parked(takes=True)
    world.receipts.record([world.delivery_of(m) for m in world.provider.accepted])
    ((_, swept),) = world.sweeper.sweep_all()
    assert swept.lifted == 1
    assert people(world, run) == {"delivered": 5}
    assert world.live.all() == []


def test_049_silence_proves_nothing_while_the_pipeline_is_silent() -> None:
    world, run = parked(takes=False)
    # Given that nothing was heard of anybody for days
    world.clock.advance(hours=30)
    assert world.sweeper.sweep_all()[0][1].unknown == 0
    # When events about later messages arrive
    world.evidence.heard("memory", world.clock.now())
    # Then silence means something
    assert world.sweeper.sweep_all()[0][1].unknown == 1
    (chunk,) = world.chunks.items.values()
    assert chunk.letters == "aUaaa"
    assert people(world, run) == {"accepted": 4, "unknown": 1}
    assert world.live.all() == []


def test_within_24_hours_nobody_is_given_up() -> None:
    world, _ = parked(takes=False)
    world.evidence.heard("memory", world.clock.now() + timedelta(hours=1))
    assert world.sweeper.sweep_all()[0][1].unknown == 0
    assert world.live.all() != []
