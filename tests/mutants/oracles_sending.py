"""Claims, stops, receipts and sweeping in small scenes; then faults everywhere, races and the simulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from meghdoot.adapters.memory.messaging import MemoryChunks
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Outcome
from meghdoot.kernel.errors import Unavailable
from tests.exhaustive.faults import Faults, Placement
from tests.exhaustive.handlers import HANDLERS, sender, wanted_run
from tests.exhaustive.house import House, small_waves
from tests.exhaustive.runner import by_name, place, run_singles, singles
from tests.exhaustive.singles import SingleHouse
from tests.sim.run import simulate
from tests.support.killing import TENANT, Killed, World
from tests.unit.messaging import test_singles_guards
from tests.unit.messaging.test_races import assert_kept, race

SEEDS = 60


def claims() -> None:
    """One person in two chunks, one twice in a chunk, a chunk beyond the horizon, calls without an answer."""
    world = World(4)
    run = world.launch(daily_cap=None)
    (ref,) = world.queue.take()
    other = ChunkRef(TENANT, run.id, 1)
    world.chunks.items[other] = replace(world.chunks.items[ref], number=1)
    people = world.audience.files[ref]
    world.audience.files[other] = people
    world.audience.files[ref] = (*people[:3], replace(people[0], index=3))
    world.deliver(ref)
    world.deliver(other)
    assert max(world.accepted().values()) == 1, "somebody stood in two places and was sent twice"
    assert world.chunks.items[ref].letters == "aaaD"
    assert world.chunks.items[other].letters == "DDDa"

    late = World(3)
    run = late.launch(daily_cap=None)
    late.clock.advance(days=9)
    late.deliver(late.queue.take()[0])
    assert not late.provider.accepted, "a stale chunk was sent"
    assert set(late.letters(run).values()) == {"w"}

    silent = World(3)
    silent.provider.failure = lambda _mail, number: (
        Outcome("ambiguous") if number == 1 else Outcome("retry") if number == 2 else None
    )
    silent.provider.takes_ambiguous = True
    run = silent.launch(daily_cap=None)
    silent.deliver(silent.queue.take()[0])
    silent.drain()
    assert max(silent.accepted().values()) == 1, "a call without an answer was made again"
    assert sorted(silent.letters(run).values()) == ["a", "a", "u"]


def waves_before_the_marker() -> None:
    """Whoever dies no later than the wave's claim leaves nobody unknown: nobody was called."""
    calls = place(by_name("sender"), ()).calls
    claim = next(n for n, call in enumerate(calls) if call.name == "gates.claim")
    for at in range(claim + 1):
        for kind in ("killed_before", "killed_after"):
            with small_waves():
                _dies_early(at, kind)


def _dies_early(at: int, kind: str) -> None:
    faults = Faults({at: kind})
    scene = sender(faults)
    faults.watching = True
    with suppress(Killed):
        scene.attempts[0]()
    faults.watching = False
    scene.house.clock.advance(minutes=10)
    scene.house.drain()
    parked = [c.letters for c in scene.house.chunks.items.values() if "u" in c.letters]
    assert not parked, f"{kind} at call {at} left {parked}"


def owners() -> None:
    """The ledger knows one owner at a time; what the last one wrote is not forgotten."""
    chunks = MemoryChunks()
    chunk = Chunk(TENANT, "r1", 0, "..")
    chunks.create(chunk)
    ours = chunks.take(chunk, "ours", 10)
    assert ours is not None
    assert chunks.take(chunk, "theirs", 10) is None, "two processes took one chunk"
    assert chunks.take(chunk, "ours", 10) == ours, "a repeated take is not known again"
    assert not chunks.mark(replace(chunk, token="theirs", letters="aa"), 0), "a stranger wrote letters"
    assert chunks.items[chunk.ref].letters == ".."
    assert chunks.mark(replace(ours, letters="ua"), 0)
    assert chunks.lift(chunk.ref, "ua", "aa")
    chunks.mark(replace(ours, letters="ua"), 0)
    assert chunks.items[chunk.ref].letters == "aa", "a repeated giving back undid a lift"

    calls = place(by_name("sender"), ()).calls
    take = next(n for n, call in enumerate(calls) if call.name == "chunks.take")
    house = House(4, Faults({take: "wrote"}))
    house.launch(daily_cap=None)
    (ref,) = house.queue.take()
    old = replace(house.chunks.items[ref], token="old", lease_until=1)
    house.chunks.items[ref] = old

    def wrote() -> None:
        house.chunks.mark(replace(old, letters="aa.."), 1)

    house.faults.meanwhile = {"wrote": wrote}
    house.faults.watching = True
    house.deliver(ref)
    assert sorted(house.accepted()) == house.ids[2:], "people whom the old owner had called were called again"

    # Somebody else took the chunk after our claim, and called everybody.
    mark = next(n for n, call in enumerate(calls) if call.name == "chunks.mark")
    house = House(4, Faults({mark: "usurped"}))
    house.launch(daily_cap=None)
    (ref,) = house.queue.take()

    def usurped() -> None:
        house.chunks.items[ref] = replace(house.chunks.items[ref], token="theirs", letters="aaaa")

    house.faults.meanwhile = {"usurped": usurped}
    house.faults.watching = True
    house.deliver(ref)
    assert not house.provider.calls, "an owner who was replaced went on calling"
    assert house.chunks.items[ref].letters == "aaaa"


def stops() -> None:
    """Pause and cancel hold from the next second on, and the rest is whole."""
    for how, letter in (("pause", "."), ("cancel", "x"), ("hold", ".")):
        for purpose in ("marketing", "transactional"):
            with small_waves():
                _stopped(how, letter, purpose)
    house = House(3, Faults())
    house.launch(daily_cap=None)
    house.seal.whole = False
    house.work()
    assert not house.provider.calls, "a sender ran over a restored table"


def _stopped(how: str, letter: str, purpose: str) -> None:
    house = House(8, Faults())
    run = house.launch(daily_cap=None, purpose=purpose)
    (ref,) = house.queue.take()

    def stop(_mail: object, number: int) -> None:
        if number == 1:
            {
                "pause": lambda: house.service.pause(TENANT, run.id, "lunch"),
                "cancel": lambda: house.service.cancel(TENANT, run.id),
                "hold": house.hold,
            }[how]()

    house.provider.failure = stop  # type: ignore[assignment]
    house.deliver(ref)
    assert house.provider.calls <= 2, f"{house.provider.calls} were called after a {how}"
    assert set(house.chunks.items[ref].letters[2:]) == {letter}


def restores() -> None:
    """Over tables that came back from a backup."""
    test_singles_guards.test_080_an_offer_that_came_back_from_a_backup_is_not_sent_again_and_a_receipt_is()


def receipts() -> None:
    """Facts in any order, forged ones and old ones."""
    house = House(3, Faults())
    house.launch(daily_cap=None)
    house.work()
    mails = house.provider.accepted
    forged = replace(house.delivery_of(mails[0]), send_key="0" * 32)
    assert house.receipts.record([forged]).unmatched == 1
    assert not house.rows.rows, "a row of a message that never was"
    assert not house.evidence.marks, "a stranger's notification proved the pipeline"
    both = [house.delivery_of(mails[0]), house.delivery_of(mails[0], "complained", subtype="abuse")]
    for facts in (both, list(reversed(both)), both[:1]):
        house.receipts.record(facts)
        assert [row.state for row in house.rows.rows.values()] == ["complained"]
    newest = house.evidence.marks["memory"]
    house.receipts.record([replace(house.delivery_of(mails[1]), accepted_at=newest - timedelta(hours=5))])
    assert house.evidence.marks["memory"] == newest, "the watermark sank"
    full = house.delivery_of(mails[2], "bounced", subtype="soft")
    untagged = replace(full, tenant=None, customer_id=None, send_key=None, source_identity="shop@x.example")
    house.owners.claim("shop@x.example", TENANT)
    assert house.receipts.record([full, untagged]).suppressed == 0, "a full mailbox was given up"


def sweeping() -> None:
    """Messages that were lost, owners that live, silence, evidence, and a run that is not planned yet."""
    world = World(4)
    run = world.launch(daily_cap=None)
    (ref,) = world.queue.take()
    world.clock.advance(hours=2)
    world.sweeper.sweep_all()
    world.sweeper.sweep_all()
    assert world.queue.take() == [ref], "a lost message comes back once"
    assert world.service.get(TENANT, run.id).status == "sending", "a run was over before its people were"
    chunk = world.chunks.items[ref]
    lease = int(world.clock.now().timestamp()) + 300
    world.chunks.items[ref] = replace(chunk, token="alive", lease_until=lease, queued_until=0)
    world.sweeper.sweep_all()
    assert world.queue.take() == [], "a living owner was disturbed"
    world.chunks.items[ref] = replace(chunk, token="", queued_until=0, lease_until=0)
    world.provider.failure = lambda _mail, number: Outcome("ambiguous") if number == 1 else None
    world.deliver(ref)
    _unknown(world, run.id, ref)

    _killed_now()
    _walked()
    planning = World(4, slices=2)
    run = planning.service.create_run(TENANT, **wanted_run(), expected_people=100_000)
    planning.planner.plan_slice(TENANT, run.id, 0)
    for first in planning.queue.take():
        planning.deliver(first)
    planning.sweeper.sweep_all()
    assert planning.service.get(TENANT, run.id).status == "planning", "a run was over before it was planned"


def _walked() -> None:
    """The last slice of a run is planned while the sweeper walks the first one; then the proof cannot be kept at once."""
    world = World(6, slices=2)
    run = world.service.create_run(TENANT, **wanted_run(), run_id="r1", expected_people=100_000)
    world.planner.plan_slice(TENANT, run.id, 0)
    for ref in world.queue.take():
        world.deliver(ref)
    before = world.service.get(TENANT, run.id)
    world.planner.plan_slice(TENANT, run.id, 1)
    world.sweeper.sweep(before)
    assert world.service.get(TENANT, run.id).status == "sending", "a run was over whose last slice nobody walked"
    for ref in world.queue.take():
        world.deliver(ref)
    whole = world.roots.__class__

    class Broken(whole):  # type: ignore[misc,valid-type]
        def put(self, *given: object, **more: object) -> None:
            raise Unavailable("the write-once bucket does not answer")

    world.roots.__class__ = Broken
    world.sweeper.sweep_all()
    assert world.live.all(), "a run whose proof could not be kept was forgotten"
    world.roots.__class__ = whole
    world.sweeper.sweep_all()
    assert not world.live.all(), "a run that is proven is walked for ever"


def _killed_now() -> None:
    """The window of those whom a dead owner was calling begins when they were parked."""
    world = World(3)
    world.launch(daily_cap=None)
    (ref,) = world.queue.take()
    world.chunks.items[ref] = replace(world.chunks.items[ref], letters="c..", token="dead", lease_until=1)
    world.deliver(ref)
    world.evidence.heard("memory", world.clock.now() + timedelta(minutes=1))
    world.sweeper.sweep_all()
    assert world.chunks.items[ref].letters == "uaa", "given up as soon as they were parked"


def _unknown(world: World, run_id: str, ref: ChunkRef) -> None:
    def letters() -> Counter[str]:
        return Counter(world.chunks.items[ref].letters)

    parked_at = world.clock.now()
    assert letters() == {"u": 1, "a": 3}
    world.clock.advance(hours=23)
    world.evidence.heard("memory", world.clock.now())
    world.sweeper.sweep_all()
    assert letters()["u"] == 1, "given up within the window"
    world.evidence.marks.clear()
    world.clock.advance(hours=2)
    for heard in (None, parked_at - timedelta(hours=1)):
        if heard is not None:
            world.evidence.heard("memory", heard)
        world.sweeper.sweep_all()
        assert letters()["u"] == 1, "given up without evidence that the pipeline lives"
    assert world.live.all(), "nobody looks after the parked"
    world.evidence.heard("memory", parked_at + timedelta(minutes=1))
    world.sweeper.sweep_all()
    assert letters() == {"U": 1, "a": 3}
    assert world.service.accounting(world.service.get(TENANT, run_id)) == {"unknown": 1, "accepted": 3}


def codes() -> None:
    """A code whose queue message comes a second time while the first one is being called."""
    house = SingleHouse(Faults())
    house.accept(kind="otp")

    def again(_mail: object, number: int) -> None:
        if number == 1:
            house.handle()
            house.send()

    house.provider.failure = again  # type: ignore[assignment]
    house.send()
    assert house.accepted()[house.ref.message_id] == 1, "a living owner's call was made again"

    # A receipt in doubt, and nothing is heard of any message: silence means nothing.
    silent = SingleHouse(Faults())
    silent.accept()
    silent.provider.failure = lambda _mail, number: Outcome("ambiguous") if number == 1 else None
    silent.send()
    silent.pass_time(40, events=False)
    assert silent.provider.calls == 1, "a message was sent again while the pipeline of events was down"
    silent.pass_time(40)
    assert silent.provider.calls == 2, "a receipt in doubt was never sent again"


def everywhere(name: str) -> Callable[[], None]:
    """Every single fault of one handler."""

    def check() -> None:
        handler = by_name(name)
        for placement in singles(handler):
            told = run_singles(handler, [placement])
            assert not told.violations, told.violations[0]

    check.__name__ = f"faults_{name}"
    return check


def noes_after_a_crash() -> None:
    """A process dies after its claim, and somebody leaves at any call of the next one."""
    handler = by_name("sender")
    calls = place(handler, ()).calls
    claim = next(n for n, call in enumerate(calls) if call.name == "gates.claim")
    first = Placement(claim, "killed_after")
    behind = len(place(handler, [first]).calls)
    for at in range(claim + 1, behind):
        wrong = place(handler, [first, Placement(at, "unsubscribed")]).wrong
        assert not wrong, wrong


def races() -> None:
    """Several senders and two campaigns, in some orders."""
    for seed in range(10):
        world, runs = race(seed, workers=3, zombies=False)
        assert_kept(world, runs, seed)
        assert_kept(*race(seed, workers=3, zombies=True), seed)
        assert_kept(*race(seed, workers=4, zombies=True, kills=0.02), seed)


def simulated() -> None:
    """Some seeds of the simulator."""
    for seed in range(1, SEEDS + 1):
        report = simulate(seed)
        assert not report.violations, f"seed {seed}: {report.violations[0]}"


EVERYWHERE: tuple[Callable[[], None], ...] = (
    *(everywhere(handler.name) for handler in HANDLERS),
    noes_after_a_crash,
    races,
    simulated,
)
