"""Single messages under several senders, the sweeper and the provider's words at once, in hundreds of orders, with deaths."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from meghdoot.areas.messaging.singles.model import SingleRef
from meghdoot.kernel.errors import Unavailable
from tests.support.killing import Killed
from tests.support.singles import TENANT, SingleWorld
from tests.support.turns import Turns

WANTED: dict[str, dict[str, Any]] = {
    "receipt-1": {}, "receipt-2": {}, "code": {"kind": "otp"},
    "offer-1": {"template_id": "offer", "purpose": "marketing"},
    "offer-2": {"template_id": "offer", "purpose": "marketing"},
}  # fmt: skip


def failing(turns: Turns, world: SingleWorld) -> Callable[[OutboundEmail, int], Outcome | None]:
    def outcome(_mail: OutboundEmail, _number: int) -> Outcome | None:
        world.provider.takes_ambiguous = turns.chance.random() < 0.5
        dice = turns.chance.random()
        if dice < 0.15:
            return Outcome("ambiguous", code="timeout")
        return Outcome("retry", code="429") if dice < 0.3 else None

    return outcome


def race(seed: int, *, kills: float, heard: bool) -> tuple[SingleWorld, dict[str, SingleRef], int]:
    """The messages of WANTED to one customer with a cap of one offer a day; answers how many calls were left in doubt."""
    world, turns, deaths = SingleWorld(daily_cap=1), Turns(seed), [0]
    rita = world.person()
    refs = {key: world.accept(key, email=None, customer_id=rita, **more).single.ref for key, more in WANTED.items()}
    world.queue.take()
    world.provider.failure = failing(turns, world)
    world.clock.advance(minutes=2)

    def io(name: str) -> None:
        turns.switch(name)
        if kills and turns.chance.random() < kills:
            deaths[0] += 1
            raise Killed(name)

    def sender() -> None:
        for ref in turns.chance.sample(list(refs.values()), len(refs)):
            with suppress(Killed, Unavailable):
                world.deliver(ref)

    def sweeper() -> None:
        with suppress(Killed):
            world.sweeper.sweep()

    def provider() -> None:
        for mail in list(world.provider.accepted) if heard else []:
            with suppress(Killed):
                world.receipts.record([world.word(mail)])

    world.switch = io  # type: ignore[assignment]
    world.watched = True
    turns.run([sender, sender, sender, sweeper, provider])
    world.watched = False
    settle(world, heard=heard)
    return world, refs, deaths[0]


def settle(world: SingleWorld, *, heard: bool) -> None:
    """Hours in which nothing goes wrong any more; with `heard` every word of the provider arrives within minutes."""
    world.provider.failure = lambda _mail, _number: None
    for _ in range(8):
        if heard:
            world.receipts.record([world.word(mail) for mail in world.provider.accepted])
        world.pass_time(10)
    for _ in range(26):
        world.clock.advance(hours=1)
        world.pass_time(2)


@pytest.mark.parametrize("kills", [0.0, 0.02], ids=["alive", "dying"])
@pytest.mark.parametrize("part", range(3))
def test_090_in_any_order_an_offer_leaves_once_at_most_and_a_receipt_once_at_least(part: int, kills: float) -> None:
    offers = 0
    for seed in range(part, 48, 3):
        world, refs, _ = race(seed, kills=kills, heard=True)
        accepted = world.accepted()
        for key, ref in refs.items():
            view = world.service.get(TENANT, ref.message_id)
            assert view.row is not None
            assert view.row.is_over, (seed, key)
            times = accepted[ref.message_id]
            if key.startswith("offer"):
                assert times <= 1, (seed, key)
                assert times or view.state in ("skipped", "unknown"), (seed, key)
            else:
                assert times >= 1, (seed, key)
                assert view.state == "delivered", (seed, key)
            # Every word was heard within the window, so that only a code, which waits for none, may come twice
            assert times <= (3 if key == "code" else 1), (seed, key)
        assert accepted[refs["offer-1"].message_id] + accepted[refs["offer-2"].message_id] <= 1, f"{seed}: over the cap"
        offers += accepted[refs["offer-1"].message_id] + accepted[refs["offer-2"].message_id]
        assert not world.timers.timers, seed
    assert offers > 5, "most of the offers must have left, or the cap proves nothing"


@pytest.mark.parametrize("part", range(2))
def test_049_without_the_providers_words_doubles_are_no_more_than_doubts(part: int) -> None:
    doubles = 0
    for seed in range(part, 24, 2):
        world, refs, _ = race(seed, kills=0.02, heard=False)
        accepted = world.accepted()
        for key, ref in refs.items():
            row = world.service.get(TENANT, ref.message_id).row
            assert row is not None
            times = accepted[ref.message_id]
            if key.startswith("offer"):
                assert times <= 1, (seed, key)
            else:
                assert 1 <= times <= 1 + row.doubts, (seed, key)
                doubles += times - 1
    assert doubles, "with silence some must come twice, or nothing was in doubt"
