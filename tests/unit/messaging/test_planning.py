"""Planning cuts an audience into chunks, survives crashes and plans everybody once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.model import CHUNK_SIZE, SLICE_STRIDE, ChunkRef
from meghdoot.areas.tenants.model import Tenant
from meghdoot.kernel.errors import NotFound
from tests.support.killing import CONTENT, START, TENANT, Killed, Switch, World, people


def test_an_audience_is_cut_into_chunks_of_500_by_customer_with_the_fields_that_the_template_uses() -> None:
    world = World(1200)
    run = world.launch()
    assert run.slice_chunks == {"0": 3}
    assert (run.audience, run.chunks, run.status, run.chunk_numbers) == (1200, 3, "sending", [0, 1, 2])
    files = [world.audience.files[ChunkRef(TENANT, run.id, n)] for n in range(3)]
    assert [len(f) for f in files] == [CHUNK_SIZE, CHUNK_SIZE, 200]
    assert [p.customer_id for f in files for p in f] == world.ids
    assert files[1][0].fields == {"first_name": "Rita"}
    assert [ref.number for ref in world.queue.take()] == [0, 1, 2]


def test_chunks_of_a_slice_have_numbers_of_their_own() -> None:
    world = World(40, slices=4)
    run = world.launch()
    assert run.chunk_numbers == [slice_ * SLICE_STRIDE for slice_ in range(4)]
    assert people(world, run) == {"pending": 40}


def test_who_is_excluded_at_planning_stands_there_with_the_reason_and_without_an_address() -> None:
    world = World(6)
    world.profiles["c00000"] = replace(world.profiles["c00000"], email=None)
    del world.profiles["c00001"]
    gates = {n: world.gates.get(TENANT, f"c0000{n}") for n in (2, 3)}
    world.gates.put(replace(gates[2], granted=frozenset()))  # type: ignore[type-var]
    world.gates.put(replace(gates[3], granted=frozenset(), suppressed=frozenset({"em"})))  # type: ignore[type-var]
    world.gates.delete(TENANT, "c00004")
    run = world.launch()
    assert world.chunks.items[ChunkRef(TENANT, run.id, 0)].letters == "dense."
    assert [p.address for p in world.audience.files[ChunkRef(TENANT, run.id, 0)]] == [None] * 5 + ["c00005@x.example"]


def test_a_test_only_tenant_reaches_reserved_domains_and_no_others() -> None:
    world = World(4)
    world.tenants.add(
        Tenant(
            TENANT,
            "Acme",
            "1 Road",
            None,
            "Asia/Dhaka",
            "BDT",
            None,
            7,
            "en",
            False,
            False,
            None,
            None,
            True,
            START,
            START,
        )
    )
    for n, address in enumerate(["a@shop.example.com", "a@gmail.com", "a@notexample.com", "a@x.test"]):
        world.profiles[f"c0000{n}"] = replace(world.profiles[f"c0000{n}"], email=address)
    run = world.launch()
    assert world.chunks.items[ChunkRef(TENANT, run.id, 0)].letters == ".ii."
    assert world.audience.files[ChunkRef(TENANT, run.id, 0)][0].zone == "Asia/Dhaka"


def test_an_empty_audience_is_over_at_once() -> None:
    world = World(0)
    run = world.launch()
    world.sweeper.sweep_all()
    assert world.service.get(TENANT, run.id).status == "done"
    assert people(world, run) == {}
    assert world.live.all() == []


@pytest.mark.parametrize("joined", [[], ["c00000x", "c00600x", "c99999"]])
def test_035_planning_that_ends_anywhere_and_begins_again_plans_everybody_once(joined: list[str]) -> None:
    # Given the places where planning 1,100 people touches the outside
    whole = World(1100)
    whole.watched = True
    whole.launch()
    for at in range(whole.switch.seen):
        world = World(1100, switch=Switch(at))
        run = world.service.create_run(
            TENANT, email_campaign_id="e", campaign_id=None, purpose="marketing", segment_ids=["s1"], content=CONTENT,
            attribution_days=7, daily_cap=None, weekly_cap=None,
        )  # fmt: skip
        # When it is ended there, people join the segment meanwhile, and the step is repeated
        world.watched = True
        with pytest.raises(Killed):
            world.planner.plan_slice(TENANT, run.id, 0)
        world.watched = False
        frozen = dict(world.audience.files) if world.chunks.items else {}
        planned = {ref: frozen[ref] for ref in world.chunks.items}
        world.planner.engine.ids.extend(joined)  # type: ignore[attr-defined]
        for customer in joined:
            world.profiles[customer] = replace(world.profiles["c00000"], id=customer)
            world.gates.put(ContactGate(TENANT, customer, 1, frozenset({"em:m"})))
        assert world.planner.plan_slice(TENANT, run.id, 0) is None
        # Then what was frozen stays as it is, and nobody stands twice or is missing
        counts = Counter(p.customer_id for f in world.audience.files.values() for p in f)
        assert max(counts.values()) == 1
        assert set(world.ids[:1100]) <= set(counts)
        assert all(world.audience.files[ref] == file for ref, file in planned.items())
        stored = world.service.get(TENANT, run.id)
        assert stored.audience == sum(counts.values()) == sum(people(world, run).values())
        assert {ref.number for ref in world.queue.take()} == set(stored.chunk_numbers)


def test_a_run_is_created_once_and_freezes_the_criteria() -> None:
    world = World(1)
    first = world.launch(run_id="r1")
    assert world.launch(run_id="r1") == first
    assert first.criteria == ({},)
    with pytest.raises(NotFound) as e:
        world.launch(segment_ids=["s1", "gone"])
    assert e.value.code == "segment_not_found"
