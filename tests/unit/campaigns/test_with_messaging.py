"""Campaigns over messaging's real runs: what a launch writes is what a run needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meghdoot.adapters.memory.messaging import (
    MemoryChunkQueue,
    MemoryChunks,
    MemoryRunCounters,
    MemorySendRows,
)
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.memory.touches import MemoryRunLinks
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.service import RunService
from meghdoot.kernel.errors import NotFound
from tests.unit.campaigns.house import EDITOR, EMAIL, SEGMENT, TEMPLATE, House


@pytest.fixture
def house() -> House:
    house = House()
    stored: MemoryRecords[Run] = MemoryRecords("run", lambda run: run.status)
    house.runs = RunService(  # type: ignore[assignment]
        stored, MemoryRunLinks(), house.segments, MemoryChunks(), MemoryChunkQueue(),
        MemoryRunCounters(MemorySendRows()), house.clock, house.ids,
    )  # fmt: skip
    house.wire()
    return house


def test_the_run_of_a_launch_holds_all_that_was_pinned(house: House) -> None:
    email = house.emails.launch("acme", house.draft(subject_line_bn="ঈদ").id)
    run = house.runs.get("acme", str(email.run_id))
    assert run is not None
    assert (run.status, run.purpose, run.email_campaign_id) == ("planning", "marketing", email.id)
    assert (run.daily_cap, run.weekly_cap, run.attribution_days) == (2, None, 7)
    assert run.content.subject_line_bn == "ঈদ"
    assert run.content.footer.postal_address == "1 Lake Road, Dhaka 1207"
    assert house.runs.links.get("acme", run.id, 1).startswith("https://shop.example/eid?")  # type: ignore[attr-defined]


def test_pause_resume_and_cancel_of_a_campaign_reach_its_runs(house: House) -> None:
    email = house.emails.launch("acme", house.draft().id)
    for act, status in (
        (house.emails.pause, "paused"),
        (house.emails.resume, "planning"),
        (house.emails.cancel, "cancelled"),
    ):
        act("acme", email.id)
        run = house.runs.get("acme", str(email.run_id))
        assert run is not None
        assert run.status == status


def test_a_run_already_created_is_found_by_the_ticker_and_not_made_again(house: House) -> None:
    email = house.emails.launch("acme", house.draft().id)
    house.timers.set("acme", email.id, house.clock.now())
    house.segments.replace(replace(SEGMENT, version=2, criteria={"changed": True}), 1)
    assert [o.decision for o in house.due.launch_due(house.later(minutes=1))] == ["started"]
    run = house.runs.get("acme", str(email.run_id))
    assert run is not None
    assert run.criteria == ({},)


def test_a_segment_that_vanished_stops_a_launch_before_its_commit(house: House) -> None:
    draft = house.draft()
    house.segments.remove("acme", "seg")
    with pytest.raises(Exception, match="cannot be used"):
        house.emails.launch("acme", draft.id)
    assert house.emails.get("acme", draft.id) == draft


def test_a_template_edited_after_the_draft_is_sent_in_its_newest_version(house: House) -> None:
    draft = house.emails.create(EDITOR, EMAIL)
    newer = replace(TEMPLATE, version=4)
    house.templates.replace(newer, 3)
    with pytest.raises(NotFound):
        house.emails.launch("acme", draft.id)
    house.versions.add(newer)
    assert house.emails.launch("acme", draft.id).template_version == 4
