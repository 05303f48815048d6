"""The handlers that send or decide who is sent, each in a small world of its own, ready to be broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from meghdoot.areas.consent.rules import verify_chain
from meghdoot.areas.messaging.model import ChunkRef, Fact, Outcome, Run
from tests.exhaustive.faults import Faults
from tests.exhaustive.house import House
from tests.exhaustive.scene import Attempt, Handler, Scene, control, later, settled
from tests.exhaustive.singles import SingleHouse
from tests.support.killing import CONTENT, TENANT


def sender(faults: Faults) -> Scene:
    """A chunk turn of three waves. The message comes twice, and again when its lease is over."""
    house = House(6, faults)
    run = house.launch(daily_cap=1, weekly_cap=3)
    (ref,) = house.queue.take()

    def handle() -> None:
        house.deliver(ref)

    return Scene(
        house,
        [handle, handle, later(house, handle, 10)],
        {"doubled": handle, "delayed": later(house, handle, 1.5), "outlived": later(house, handle, 10)}
        | control(house, run),
        settled(house, run),
    )


def two_campaigns(faults: Faults) -> Scene:
    """A chunk turn while another campaign addresses the same people, and each may get one mail a day."""
    house = House(4, faults)
    runs = [house.launch(daily_cap=1), house.launch(daily_cap=1)]
    ref, other = house.queue.take()

    def handle() -> None:
        house.deliver(ref)

    def end(faults: int) -> list[str]:
        wrong = []
        for run in runs:
            house.settle(run)
            wrong += house.wrongs(run, faults, allowed=frozenset({"skipped:capped"}))
        return wrong

    rivals = {"rivalled": lambda: house.work([other]), "outlived": later(house, handle, 10)}
    return Scene(house, [handle, handle], rivals, end)


def sweeper(faults: Faults) -> Scene:
    """Three chunks: one whose message was lost, one whose owner was killed in its calls, one with a parked person."""
    house = House(6, faults)
    run = house.launch(daily_cap=1)
    house.queue.take()
    house.provider.failure = lambda mail, _n: Outcome("ambiguous") if mail.tags["customer"] == house.ids[4] else None
    house.provider.takes_ambiguous = True
    house.deliver(ChunkRef(TENANT, run.id, 2))
    dead = house.chunks.items[ChunkRef(TENANT, run.id, 1)]
    house.chunks.items[dead.ref] = replace(dead, letters="c.", token="dead", lease_until=1, queued_until=0)
    house.clock.advance(minutes=90)

    def late() -> None:
        house.events()
        house.clock.advance(hours=25)
        house.sweeper.sweep_all()

    return Scene(
        house,
        [lambda: _swept(house), later(house, lambda: _swept(house), 70), late],
        {"doubled": lambda: _swept(house), "worked": house.work, "heard": house.events} | control(house, run),
        # The owner of the second chunk had called nobody yet, and one mail was ambiguous, before any fault of ours.
        settled(house, run, before=1),
    )


def _swept(house: House) -> None:
    house.sweeper.sweep_all()
    watching, house.faults.watching = house.faults.watching, False
    house.work()
    house.faults.watching = watching


def planner(faults: Faults) -> Scene:
    """Ten people in two slices and chunks of three; each step of the machine is repeated until it succeeds."""
    house = House(10, faults, slices=2)
    run = house.service.create_run(TENANT, **wanted_run(), run_id="r1", expected_people=100_000)
    if run.slices != 2:
        raise AssertionError("the scene wants two slices")

    def plan(slice_: int) -> Attempt:
        return lambda: _planned(house, run, slice_)

    def all_of_it() -> None:
        for slice_ in range(2):
            house.planner.plan_slice(TENANT, run.id, slice_)

    def end(faults: int) -> list[str]:
        found = settled(house, run)(faults)
        planned = [p.customer_id for c in house.chunks.items.values() for p in house.audience.files[c.ref]]
        stored = house.service.get(TENANT, run.id)
        if stored.status == "done" and (sorted(planned) != house.ids or stored.audience != len(house.ids)):
            found.append(f"planned {len(planned)} people, noted {stored.audience}")
        return found

    doing = control(house, run)
    return Scene(
        house,
        [plan(0), plan(1), plan(1)],
        {"doubled": all_of_it, "worked": house.work, "paused": doing["paused"]},
        end,
        repeats=True,
    )


def _planned(house: House, run: Run, slice_: int) -> None:
    house.planner.plan_slice(TENANT, run.id, slice_)


def wanted_run() -> dict[str, Any]:
    """What a run is created with when nothing about it matters."""
    return {
        "email_campaign_id": "e1", "campaign_id": None, "purpose": "marketing", "segment_ids": ["s1"],
        "content": CONTENT, "attribution_days": 7, "daily_cap": None, "weekly_cap": None,
    }  # fmt: skip


def _begun(faults: Faults) -> tuple[House, Run, ChunkRef]:
    """A run of six people of whom the first wave is out."""
    house = House(6, faults)
    run = house.launch(daily_cap=1)
    (ref,) = house.queue.take()
    house.deliver(ref, seconds=21)
    house.queue.take()
    if len(house.provider.accepted) != 2:
        raise AssertionError("the scene wants one wave")
    return house, run, ref


def pause_resume(faults: Faults) -> Scene:
    """A run that is under way is paused and resumed by a client who repeats what failed."""
    house, run, ref = _begun(faults)

    def handle() -> None:
        house.deliver(ref)

    def resume() -> None:
        if house.service.get(TENANT, run.id).status in ("paused", "sending"):
            house.service.resume(TENANT, run.id)

    def pause() -> None:
        if house.service.get(TENANT, run.id).status == "sending":
            house.service.pause(TENANT, run.id, "lunch")

    return Scene(
        house,
        [pause, resume],
        {
            "worked": handle,
            "swept": lambda: _swept(house),
            "doubled": resume,
            "unsubscribed": control(house, run)["unsubscribed"],
        },
        settled(house, run),
        repeats=True,
    )


def cancel(faults: Faults) -> Scene:
    """A run that is under way is cancelled; the client repeats until it hears so."""
    house, run, ref = _begun(faults)

    def end(faults: int) -> list[str]:
        found = settled(house, run)(faults)
        people = house.service.accounting(house.service.get(TENANT, run.id))
        if people.get("cancelled", 0) != 6 - len(house.provider.accepted) - people.get("unknown", 0) - people.get(
            "skipped:no_consent", 0
        ):
            found.append(f"cancelled, and yet {people}")
        return found

    doing = control(house, run)
    return Scene(
        house,
        [doing["cancelled"]],
        {"worked": lambda: house.deliver(ref) and None, "swept": lambda: _swept(house)} | doing,
        end,
        repeats=True,
    )


def unsubscribe(faults: Faults) -> Scene:
    """Two people leave while their run is sent, one from everything; who hears an error tells again."""
    house, run, ref = _begun(faults)
    first, last = house.ids[0], house.ids[-1]

    def leave() -> None:
        house.unsubscribe(run, last)

    def leave_all() -> None:
        house.unsubscribe(run, first, everything=True)

    def end(faults: int) -> list[str]:
        found = settled(house, run)(faults)
        for customer in (first, last):
            entries = list(house.consent.history(TENANT, customer).items)
            lines = [line for line in house.log.lines if line.customer_id == customer]
            touches = [touch for touch in house.touches.kept if touch.customer_id == customer]
            if not entries or entries[-1].state != "withdrawn" or not verify_chain(entries):
                found.append(f"{customer} left, and the ledger says {entries}")
            if len(lines) != len(entries) or len(touches) != 1:
                found.append(
                    f"{customer} left once: {len(entries)} entries, {len(lines)} lines, {len(touches)} touches"
                )
        return found

    return Scene(
        house,
        [leave, leave, leave_all],
        {"doubled": leave, "worked": lambda: house.deliver(ref) and None, "heard": house.events},
        end,
        repeats=True,
    )


def receipts(faults: Faults) -> Scene:
    """Six mails are out; the provider tells of them twice, out of order, and of one that we do not know."""
    house = House(6, faults)
    run = house.launch(daily_cap=None)
    house.work()
    facts = _told(house)

    def record() -> None:
        house.receipts.record(facts)

    def backwards() -> None:
        for fact in reversed(facts):
            house.receipts.record([fact])

    return Scene(
        house,
        [record, record],
        {"doubled": record, "backwards": backwards, "swept": lambda: _swept(house)},
        lambda n: _receipts_wrong(house, run, n),
        repeats=True,
    )


def _told(house: House) -> list[Fact]:
    mails = house.provider.accepted
    facts = [
        house.delivery_of(mails[1], "complained", subtype="abuse"),
        house.delivery_of(mails[0], "delivered"),
        house.delivery_of(mails[1], "delivered"),
        house.delivery_of(mails[2], "bounced", subtype="hard"),
        house.delivery_of(mails[3], "bounced", subtype="soft"),
        house.delivery_of(mails[4], "deferred"),
        house.delivery_of(mails[0], "delivered"),
        house.delivery_of(mails[5], "complained", subtype="not-spam"),
    ]
    return [*facts, replace(facts[1], send_key="0" * 32, dedupe_key="foreign")]


def _receipts_wrong(house: House, run: Run, faults: int) -> list[str]:
    wanted = ["delivered", "complained", "bounced", "bounced", "accepted", "delivered"]
    rows = {row.customer_id: row.state for row in house.rows.rows.values()}
    found = [] if rows == dict(zip(house.ids, wanted, strict=True)) else [f"the rows say {rows}"]
    lines = sorted((line.kind, line.customer_id) for line in house.log.lines)
    if {kind for kind, _ in lines} != {"complaint", "hard_bounce"} or len(lines) != 3:
        found.append(f"the write-once lines are {lines}")
    if list(house.evidence.marks) != ["memory"]:
        found.append("nothing was heard")
    # Whoever complained or bounced for good is in no later run.
    later = house.launch(daily_cap=None)
    house.work()
    mailed = {m.tags["customer"] for m in house.provider.accepted if m.tags["run"] == later.id}
    if mailed != {c for n, c in enumerate(house.ids) if n not in (1, 2)}:
        found.append(f"the next run went to {sorted(mailed)}")
    people = house.service.accounting(house.service.get(TENANT, run.id))
    if people != {"delivered": 2, "complained": 1, "bounced": 2, "accepted": 1}:
        found.append(f"the sum is {people}")
    return found


def single_offer(faults: Faults) -> Scene:
    """A marketing message by the API: the client repeats, the queue's message comes three times; at most once."""
    house = SingleHouse(faults, daily_cap=1)

    def end(_: int) -> list[str]:
        house.settle()
        house.tell()
        times = house.accepted()[house.ref.message_id]
        return house.wrongs() + ([f"it was sent {times} times"] if times > 1 else [])

    return _single(house, "offer", "marketing", {"unsubscribed": house.leave}, end)


def single_receipt(faults: Faults) -> Scene:
    """A transactional message: at least once, and once only while the provider's events come."""
    house = SingleHouse(faults)

    def end(_: int) -> list[str]:
        house.tell()
        house.settle()
        house.tell()
        times = house.accepted()[house.ref.message_id]
        return house.wrongs() + ([f"it was sent {times} times"] if times != 1 else [])

    return _single(house, "receipt", "transactional", {"heard": house.tell}, end)


def _single(
    house: SingleHouse, template: str, purpose: str, more: Mapping[str, Attempt], end: Callable[[int], list[str]]
) -> Scene:
    def accept() -> None:
        house.accept(template_id=template, purpose=purpose)

    def sweep() -> None:
        house.sweeper.sweep()
        house.send()

    doing = {"doubled": house.handle, "outlived": house.later(10), "swept": sweep}
    return Scene(house, [accept, house.handle, house.handle, house.later(10)], doing | more, end, repeats=True)


HANDLERS = (
    Handler("sender", sender),
    Handler("two_campaigns", two_campaigns),
    Handler("receipts", receipts),
    Handler("sweeper", sweeper, chunk=2),
    Handler("planner", planner, chunk=3),
    Handler("pause_resume", pause_resume),
    Handler("cancel", cancel),
    Handler("unsubscribe", unsubscribe),
    Handler("single_offer", single_offer),
    Handler("single_receipt", single_receipt),
)
