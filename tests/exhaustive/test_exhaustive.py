"""Every fault at every I/O call of every handler that sends or decides who is sent: nobody twice, nobody lost, none after a no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meghdoot.areas.messaging.rules import letters
from tests.exhaustive.faults import Placement
from tests.exhaustive.handlers import HANDLERS
from tests.exhaustive.runner import by_name, place, run_pairs, run_singles, singles
from tests.exhaustive.scene import Handler

PAIRS_OF = 150
"""`make test` tries every second fault after one first fault in so many; `make sim-exhaustive PAIRS=1` after each."""


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.name)
def test_045_every_single_fault_at_every_call_keeps_every_promise(handler: Handler) -> None:
    # Given each call that the handler makes, and each thing that can go wrong at it
    placements = singles(handler)
    assert len({p.call for p in placements}) == len(place(handler, ()).calls)
    # When it goes wrong there, and the caller does what callers do
    told = run_singles(handler, placements)
    # Then every promise is kept
    assert told.placements == len(placements)
    assert told.violations == []


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.name)
def test_045_a_second_fault_at_any_call_after_a_first_one_keeps_every_promise(handler: Handler) -> None:
    told = run_pairs(handler, singles(handler)[::PAIRS_OF])
    assert told.placements > 0
    assert told.violations == []


def test_the_scenes_see_a_dead_owners_calls_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a sender that takes those whom a dead owner was calling for people whom nobody has called
    monkeypatch.setattr(letters, "parked", lambda chunk, _now: replace(chunk, letters=chunk.letters.replace("c", ".")))
    # When its owner is killed after a call
    sender = by_name("sender")
    at = next(n for n, call in enumerate(place(sender, ()).calls) if call.name == "provider.send")
    # Then somebody is sent twice, and it is said
    assert "somebody was sent 2 times" in place(sender, [Placement(at, "killed_after")]).wrong
