"""Both machines once with the functions that are deployed behind them, on moto."""

from __future__ import annotations

import pytest
from archive.app import handler as archive
from tasks.campaign_run import handler as campaign_step
from tasks.segment_refresh import handler as refresh_step

from meghdoot.areas.messaging.model import Run
from meghdoot.areas.segments.service import SegmentDraft
from meghdoot.wiring import lake, messaging
from tests.functions.test_archive import BUYERS, batch, customer, env, purchase  # noqa: F401 - `env` is a fixture
from tests.functions.test_campaign_run_ticker import RUN, deliver, deployed, run  # noqa: F401 - two are fixtures
from tests.support import streams
from tests.support.machines import machines


def test_a_run_is_planned_sent_and_closed_by_its_machine(
    deployed: dict[str, str],  # noqa: F811
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a run of three people, and a queue that is served while the machine waits
    with machines(monkeypatch, {"campaign_run": campaign_step}, on_wait=lambda: deliver(deployed)) as m:
        # When its machine executes
        end = m.run(m.create("campaign_run"), {"tenant": run.tenant, "run_id": RUN})
    # Then it watched until everybody was accepted, and closed the run
    assert end.status == "SUCCEEDED"
    assert end.states[:3] == ("Begin", "Plan", "IsPlanned")
    assert m.waits
    closed = messaging.runs().get(run.tenant, RUN)
    assert closed is not None
    assert closed.status == "done"


def test_a_segment_is_compacted_and_counted_by_its_machine(
    env: dict[str, str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given people and a purchase in the archive
    archive(batch([streams.profile(customer(n)) for n in range(3)] + [streams.event(purchase(1))]), None)
    made = lake.segments().create("t1", "u1", SegmentDraft("Buyers", BUYERS))
    # When the machine executes
    with machines(monkeypatch, {"segment_refresh": refresh_step}) as m:
        end = m.run(m.create("segment_refresh"), {"tenant": "t1", "segment_id": made.id})
    # Then the segment is counted
    assert end.status == "SUCCEEDED"
    assert lake.segments().get("t1", made.id).customer_count == 1


def test_a_segment_that_is_gone_fails_the_machine(
    env: dict[str, str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with machines(monkeypatch, {"segment_refresh": refresh_step}) as m:
        end = m.run(m.create("segment_refresh"), {"tenant": "t1", "segment_id": "none"})
    assert (end.status, end.error) == ("FAILED", "NotFound")
