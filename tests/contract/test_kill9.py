"""Real sender processes die by SIGKILL in the middle of a campaign: nobody is written to twice, and nobody is lost."""

from __future__ import annotations

import pytest

from tests.kills.campaign import WAVE, Plan, run
from tests.kills.processes import Pace


@pytest.mark.emulator
def test_045_killed_senders_double_and_lose_nobody() -> None:
    # Given a small campaign at a fast pace (the documented run has 20,000 people and 100 kills)
    plan = Plan(600, 6, rate=60, pace=Pace(work=4.0, wave=1.0, call=0.8, margin=1, visibility=7, chunk=100))
    # When senders are killed in the midst of their waves
    figures = run(plan)
    # Then the provider's history and the ledger agree on every person
    assert (figures.kills, figures.twice, figures.lost, figures.disagreeing) == (6, 0, 0, 0)
    assert figures.unknown <= WAVE * figures.kills
    assert (figures.contradictions, figures.root_verified) == (0, True)
    assert figures.accepted + figures.unknown - figures.lifted == 600
