"""Limits of a campaign, the plan of a new sender, and the provider's quota: the rest waits, and the run says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from meghdoot.areas.messaging.pacing_model import Reading
from meghdoot.kernel.errors import Invalid
from tests.stories.test_campaign import TEMPLATE
from tests.support.whole_house import PROVIDER, WholeHouse

PEOPLE = 30


def a_house(people: int = PEOPLE) -> WholeHouse:
    house = WholeHouse()
    for n in range(people):
        house.person(f"p{n:03d}")
    return house


def told(house: WholeHouse, run: str) -> dict[str, Any]:
    answer: dict[str, Any] = house.client.get(f"/runs/{run}").json
    return answer


def go_on(house: WholeHouse) -> None:
    """What the clock and the queue do while a person waits."""
    house.sweeper.sweep_all()
    house.send()


def test_a_campaign_with_an_hourly_and_a_daily_limit_never_passes_them_and_says_why_it_waits() -> None:
    # Given a campaign of at most 10 messages an hour and 25 a day
    house = a_house()
    path = house.draft(TEMPLATE, hourly_limit=10, daily_limit=25)
    assert house.client.get(path).json["hourly_limit"] == 10
    run = house.launch(path)
    # When it is sent, then ten go out and the rest wait, everybody in one state
    house.send()
    assert house.accounting(run) == {"accepted": 10, "pending": 20}
    answer = told(house, run)
    assert (answer["hourly_sent"], answer["daily_sent"], answer["limit_reached"]) == (10, 10, True)
    assert answer["waiting_for"]["reason"] == "hourly_limit"
    assert "hourly limit" in answer["waiting_for"]["words"]
    assert answer["waiting_for"]["words_bn"]
    # And the sweeper leaves the chunk alone until the hour is over
    for _ in range(3):
        go_on(house)
    assert house.accounting(run)["accepted"] == 10
    # And each hour gives ten more, until the day's limit binds
    for total in (20, 25, 25):
        house.clock.advance(hours=1)
        go_on(house)
        assert house.accounting(run)["accepted"] == total
    assert told(house, run)["waiting_for"]["reason"] == "daily_limit"
    # And the next day the rest goes out, each person once
    house.clock.advance(hours=24)
    go_on(house)
    assert house.accounting(run) == {"accepted": 30}
    assert len({mail.to for mail in house.provider.accepted}) == len(house.provider.accepted) == 30
    assert told(house, run)["waiting_for"] is None


@pytest.mark.parametrize("limit", [0, -1, 1.5, "many"])
def test_a_limit_is_a_positive_whole_number(limit: Any) -> None:
    house = a_house(1)
    path = house.draft(TEMPLATE, hourly_limit=10)
    email = house.client.get(path).json
    refused = house.client.call("PUT", path, {"hourly_limit": limit}, if_match=email["version"])
    assert refused.status == 422
    assert house.client.get(path).json["hourly_limit"] == 10


def test_a_campaign_without_limits_counts_nothing() -> None:
    house = a_house(3)
    run = house.launch(house.draft(TEMPLATE))
    house.send()
    answer = told(house, run)
    assert (answer["hourly_sent"], answer["daily_sent"], answer["limit_reached"]) == (None, None, False)
    assert answer["waiting_for"] is None


def test_a_new_sender_grows_its_volume_day_by_day() -> None:
    # Given a sender whose plan begins today, and 60 people
    house = a_house(60)
    path = house.draft(TEMPLATE)
    today = house.clock.now().date().isoformat()
    changed = house.client.call("PUT", "/senders/news@shop.example", {"ramp_started_on": today})
    assert changed.json["ramp_started_on"] == today
    # When the campaign is sent, then 50 go out today
    run = house.launch(path)
    house.send()
    assert house.accounting(run) == {"accepted": 50, "pending": 10}
    assert told(house, run)["waiting_for"]["reason"] == "ramp"
    # And the rest tomorrow
    house.clock.advance(hours=24)
    go_on(house)
    assert house.accounting(run) == {"accepted": 60}


def test_048_when_the_providers_quota_is_used_up_the_rest_waits_and_nobody_is_lost() -> None:
    # Given a provider that grants 20 messages a day, of which others have used 5
    house = a_house()
    pacer: Any = house.sender.pacer
    now = house.clock.now()
    pacer.readings.items[f"{PROVIDER}#account"] = Reading(50.0, None, now, 20, 5, now)
    # When a campaign to 30 is sent
    run = house.launch(house.draft(TEMPLATE))
    house.send()
    # Then 15 go out, the rest wait, and the run says what for
    assert house.accounting(run) == {"accepted": 15, "pending": 15}
    waiting = told(house, run)["waiting_for"]
    assert waiting["reason"] == "quota"
    for _ in range(3):
        house.clock.advance(minutes=30)
        go_on(house)
    assert house.accounting(run) == {"accepted": 15, "pending": 15}
    assert told(house, run)["waiting_for"]["since"] == waiting["since"]
    # And it goes on when the day has passed
    house.clock.advance(hours=24)
    pacer.readings.items[f"{PROVIDER}#account"] = replace(
        pacer.readings.items[f"{PROVIDER}#account"], others_24h=0, read_at=now + timedelta(hours=25)
    )
    for _ in range(3):
        go_on(house)
        house.clock.advance(hours=1)
    assert house.accounting(run) == {"accepted": 30}
    assert len(house.provider.accepted) == len({mail.to for mail in house.provider.accepted}) == 30


def test_the_operators_weight_of_a_tenant_goes_with_its_runs_and_only_the_operator_sets_it() -> None:
    house = a_house(1)
    assert house.client.get("/tenant").json["sending_weight"] == 1
    settings = house.client.get("/tenant").json
    refused = house.client.call("PUT", "/tenant", {"sending_weight": 5}, if_match=settings["version"])
    assert refused.status == 422
    house.services.tenants.update("acme", {"sending_weight": 5})
    run = house.launch(house.draft(TEMPLATE))
    assert house.services.runs.get("acme", run).tenant_weight == 5
    with pytest.raises(Invalid):
        house.services.tenants.update("acme", {"sending_weight": 101})
