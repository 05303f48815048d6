"""Planning survives crashes, events may come in any order, the sweeper forgets nobody, a run's life is a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.adapters.email.ses_events import parse
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.model import CHUNK_SIZE, SLICE_STRIDE, ChunkRef, Fact, Outcome, Run
from meghdoot.areas.messaging.service import TestSends
from meghdoot.areas.messaging.steps import RunSteps, wait_seconds
from meghdoot.areas.tenants.model import Tenant
from meghdoot.kernel.errors import Conflict, Invalid, NotFound
from meghdoot.kernel.ids import SystemIds
from tests.support.killing import CONTENT, START, TENANT, Killed, Switch, World

DATA = Path(__file__).parents[2] / "data"


def people(world: World, run: Run) -> dict[str, int]:
    return world.service.accounting(world.service.get(TENANT, run.id))


# --- planning ------------------------------------------------------------------------------------------------------


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


# --- receipts ------------------------------------------------------------------------------------------------------


def told(world: World) -> list[Fact]:
    """Delivery, soft and hard bounce and complaint of the first three mails, each of them doubled."""
    mails = world.provider.accepted
    facts = [
        world.delivery_of(mails[0]),
        world.delivery_of(mails[1]),
        world.delivery_of(mails[1], "bounced", subtype="hard"),
        world.delivery_of(mails[2], "complained", subtype="abuse"),
        world.delivery_of(mails[2]),
        world.delivery_of(mails[3], "deferred"),
    ]
    return facts * 2


@given(st.permutations(range(12)), st.lists(st.integers(1, 12), max_size=4))
def test_059_facts_in_any_order_any_number_of_times_come_to_the_same_end(order: list[int], cuts: list[int]) -> None:
    world = World(5)
    run = world.launch()
    world.drain()
    facts = told(world)
    shuffled = [facts[n] for n in order]
    bounds = sorted({0, *cuts, 12})
    for start, end in pairwise(bounds):
        world.receipts.record(shuffled[start:end])
    assert people(world, run) == {"delivered": 1, "bounced": 1, "complained": 1, "accepted": 2}
    assert sorted(r.state for r in world.rows.rows.values()) == ["accepted", "bounced", "complained", "delivered"]
    assert sorted(set(world.suppressed.calls)) == [
        (TENANT, "key-of-c00001@x.example", "hard_bounce", "c00001"),
        (TENANT, "key-of-c00002@x.example", "complaint", "c00002"),
    ]
    assert world.evidence.marks == {"memory": world.clock.now()}


@pytest.mark.parametrize(
    ("file", "reason"), [("ses_09_Bounce.json", "hard_bounce"), ("ses_11_Complaint.json", "complaint")]
)
def test_a_real_notification_without_tags_touches_suppression_only(file: str, reason: str) -> None:
    world = World(1)
    facts = parse((DATA / file).read_text()).facts
    # Nobody owns the sender yet: nothing happens
    assert world.receipts.record(facts).suppressed == 0
    world.owners.claim("kijitora@neko.example.org", "t-bounce")
    world.owners.claim("@neko.example.jp", "t-complaint")
    recorded = world.receipts.record(facts)
    assert (recorded.suppressed, recorded.unmatched, recorded.born) == (1, 1, 0)
    ((tenant, _, why, customer),) = world.suppressed.calls
    assert (tenant, why, customer) == (f"t-{reason.split('_')[-1]}", reason, None)
    assert world.rows.rows == {}


def test_060_forged_tags_touch_nobody() -> None:
    world = World(2)
    world.launch()
    world.drain()
    fact = world.delivery_of(world.provider.accepted[0], "complained")
    forged = replace(fact, customer_id="c00001")
    recorded = world.receipts.record([forged])
    assert (recorded.unmatched, recorded.born, recorded.suppressed) == (1, 0, 0)
    assert world.suppressed.calls == []


# --- sweeping ------------------------------------------------------------------------------------------------------


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


# --- the life of a run ---------------------------------------------------------------------------------------------


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


# --- test sends ----------------------------------------------------------------------------------------------------


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
