"""What became of a run is seen at its campaign, also when nobody asked for it."""

from __future__ import annotations

from dataclasses import replace

from meghdoot.areas.campaigns.following import RunFollower
from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.areas.messaging.model import Run
from tests.unit.campaigns.house import NOW, House


def sending() -> tuple[House, EmailCampaign, Run]:
    house = House()
    email = house.emails.launch("acme", house.draft().id)
    return house, email, house.runs.runs[str(email.run_id)]


def test_047_a_run_that_the_provider_stopped_pauses_its_campaign_with_the_reason() -> None:
    house, email, run = sending()
    follower = RunFollower(house.campaigns)
    stopped = replace(run, status="paused", pause_reason="SendingPausedException")
    assert follower.follow(stopped) == "paused"
    stored = house.emails.get("acme", email.id)
    assert (stored.status, stored.pause_reason) == ("paused", "SendingPausedException")
    assert follower.follow(stopped) == "nothing_to_do"
    assert house.emails.resume("acme", email.id).status == "sending"


def test_a_run_that_is_over_marks_its_campaign_sent() -> None:
    house, email, run = sending()
    follower = RunFollower(house.campaigns)
    over = replace(run, status="done", finished_at=NOW)
    assert [follower.follow(over), follower.follow(over)] == ["sent", "sent"]
    assert house.emails.get("acme", email.id).status == "sent"


def test_a_run_under_way_or_of_another_launch_changes_nothing() -> None:
    house, email, run = sending()
    follower = RunFollower(house.campaigns)
    assert follower.follow(replace(run, status="sending")) == "nothing_to_do"
    assert follower.follow(replace(run, id="other", status="paused")) == "nothing_to_do"
    assert house.emails.get("acme", email.id).status == "sending"
