"""How often the sender reads gates and marks its chunk: once for four waves, oftener where others write too."""

from __future__ import annotations

from dataclasses import replace

from meghdoot.areas.messaging.model import ChunkRef, OutboundEmail
from tests.support.killing import TENANT, World, launched, people


def io_names(world: World, ref: ChunkRef) -> list[str]:
    world.watched = world.stay_watched = True
    world.deliver(ref)
    return world.switch.names


def test_gates_are_read_for_four_waves_at_once() -> None:
    world, _, ref = launched(200)
    assert io_names(world, ref).count("before read gates") == 2


def test_where_others_write_to_the_gates_too_they_are_read_for_each_wave() -> None:
    world, run, ref = launched(100)

    def granting_elsewhere(_mail: OutboundEmail, number: int) -> None:
        gate = world.gates.get(TENANT, "c00030")
        if number == 1 and gate is not None:
            world.gates.put(replace(gate, version=gate.version + 1))

    world.provider.failure = granting_elsewhere
    # One read for all, a refusal in the second wave, then one read for each of the last two
    assert io_names(world, ref).count("before read gates") == 3
    assert people(world, run) == {"accepted": 100}


def test_077_gates_of_transactional_mail_which_nobody_claims_are_read_just_before() -> None:
    world, run, ref = launched(100, purpose="transactional")

    def erasing(_mail: OutboundEmail, number: int) -> None:
        if number == 1:
            world.gates.delete(TENANT, "c00060")

    world.provider.failure = erasing
    assert io_names(world, ref).count("before read gates") == 4
    assert people(world, run) == {"accepted": 99, "skipped:erased": 1}


def test_the_mark_that_leaves_nobody_gives_the_chunk_back() -> None:
    world, _, ref = launched(50)
    assert io_names(world, ref).count("before mark") == 4
    assert world.chunks.items[ref].lease_until == 0
