"""A mailbox that is full today may be empty tomorrow; one that takes nothing five times in a row is closed."""

from __future__ import annotations

from datetime import timedelta

from meghdoot.areas.messaging.model import Fact, Run
from tests.support.killing import TENANT, World


def told(world: World, run: Run, kind: str = "bounced") -> Fact:
    """The provider's word about the mail of a run to the only person."""
    world.drain()
    mail = world.provider.accepted[-1]
    assert mail.tags["run"] == run.id
    more = {"subtype": "soft", "reason": "Transient/MailboxFull"} if kind == "bounced" else {}
    fact = world.delivery_of(mail, kind, **more)
    world.receipts.record([fact])
    return fact


def suppressed(world: World) -> list[str]:
    return [reason for _, _, reason, _ in world.suppressed.calls]


def test_050_five_soft_bounces_in_a_row_close_the_address_as_a_hard_one_does() -> None:
    world = World(1)
    for _ in range(4):
        told(world, world.launch())
        world.clock.advance(days=1)
    assert suppressed(world) == []
    told(world, world.launch())
    assert suppressed(world) == ["hard_bounce"]
    # And nobody is called any more
    run = world.launch()
    world.drain()
    assert world.service.accounting(world.service.get(TENANT, run.id)) == {"skipped:suppressed": 1}


def test_050_a_message_that_arrived_in_between_begins_the_count_anew() -> None:
    world = World(1)
    for n in range(12):
        told(world, world.launch(), "delivered" if n % 4 == 3 else "bounced")
        world.clock.advance(days=1)
    assert suppressed(world) == []
    for _ in range(5):
        told(world, world.launch())
        world.clock.advance(days=1)
    assert suppressed(world) == ["hard_bounce"]


def test_050_the_same_word_told_again_counts_once() -> None:
    world = World(1)
    fact = told(world, world.launch())
    for n in range(10):
        world.receipts.record([fact, Fact(**{name: getattr(fact, name) for name in fact.__slots__} | {
            "at": fact.at + timedelta(seconds=n), "dedupe_key": f"again-{n}"})])  # fmt: skip
    assert suppressed(world) == []


def test_050_a_word_without_our_tags_closes_nobody() -> None:
    world = World(1)
    for n in range(9):
        world.receipts.record(
            [Fact("memory", "bounced", world.clock.now(), f"b{n}", subtype="soft", address="a@x.example")]
        )
    assert suppressed(world) == []
