"""Stopping and resuming a tenant's messages by the API."""

from __future__ import annotations

from meghdoot.areas.analytics.counting import padded
from meghdoot.areas.analytics.model import WHOLE_TENANT, Change
from meghdoot.areas.analytics.reputation import ReputationWatch
from meghdoot.areas.messaging.model import Outcome
from tests.stories.test_campaign import TEMPLATE
from tests.support.whole_house import WholeHouse


def test_133_a_tenant_is_stopped_and_goes_on_where_it_stood() -> None:
    # Given a planned campaign
    house = WholeHouse()
    for name in ("Rita", "Mina", "Joy"):
        house.person(name)
    run = house.launch(house.draft(TEMPLATE))
    # When an approver stops everything
    approver = house.client.as_(role="approver")
    assert approver.get("/sending").json == {"sending": True, "hold": None}
    stopped = approver.post("/sending/stop", {"reason": "Wrong price"})
    assert stopped.status == 200, stopped.text
    # Then nobody is called, and everybody sees why
    (ref,) = house.queue.take()
    assert [house.deliver(ref).result for _ in range(2)] == ["held", "held"]
    assert house.accounting(run) == {"pending": 3}
    hold = house.client.as_(role="viewer").get("/sending").json["hold"]
    assert (hold["scope"], hold["cause"], hold["words"]) == ("all", "kill_switch", "Wrong price")
    # And after the resume each is sent once
    resumed = approver.post("/sending/resume")
    assert (resumed.status, resumed.json["runs"]) == (200, 1)
    house.send()
    assert house.accounting(run) == {"accepted": 3}
    assert approver.post("/sending/resume").code == "not_held"
    actions = [entry["action"] for entry in house.client.get("/audit-log").json["entries"]]
    assert {"sending.stop", "sending.resume"} <= set(actions)


def test_a_launch_while_held_says_so_and_calls_nobody() -> None:
    house = WholeHouse()
    house.person("Rita")
    path = house.draft(TEMPLATE)
    house.client.post("/sending/stop", {"reason": "Wrong price"})
    lines = house.client.post(f"{path}/check").json["findings"]
    (held,) = [line for line in lines if line["code"] == "sending_held"]
    assert held["level"] == "warning"
    assert "Wrong price" in held["message"]
    launched = house.client.post(f"{path}/launch").json
    assert launched["held"] == "Wrong price"
    house.plan(launched["run_id"])
    assert [handled.result for handled in house.send()] == ["held"]
    house.client.post("/sending/resume")
    house.send()
    assert house.accounting(launched["run_id"]) == {"accepted": 1}


def test_an_editor_stops_nobody_and_a_reason_is_needed() -> None:
    house = WholeHouse()
    editor = house.client.as_(role="editor")
    assert editor.post("/sending/stop", {"reason": "no"}).code == "scope_missing"
    assert editor.post("/sending/resume").code == "scope_missing"
    assert house.client.post("/sending/stop", {"reason": " "}).fields == ["reason"]
    assert house.client.get("/sending").json["sending"] is True


def test_134_a_tenant_sees_its_rates_and_where_they_lead() -> None:
    house = WholeHouse()
    hour = f"{house.clock.now():%Y%m%d%H}"
    fates = {"delivered": 1900, "bounced": 100, "soft_bounced": 7, "complained": 1}
    house.counters.apply([Change("acme", WHOLE_TENANT, hour, padded("1"), fates)])
    told = house.client.as_(role="viewer").get("/sending/reputation").json
    assert (told["state"], told["cause"]) == ("pause", "bounce_rate")
    assert told["rates"] == {
        "delivered": 1900, "bounced": 100, "soft_bounced": 7, "complained": 1,
        "bounce_rate": 0.05, "complaint_rate": 0.000526,
    }  # fmt: skip
    assert told["limits"]["bounce_pause"] == 0.05
    assert len(told["days"]) == 14
    assert told["days"][0]["rates"] == told["rates"]
    assert told["days"][1]["rates"]["delivered"] == 0
    other = house.client.as_(tenant="other").get("/sending/reputation").json
    assert (other["state"], other["rates"]["delivered"]) == ("too_few", 0)


def test_134_a_stop_for_a_rate_is_seen_on_the_run_and_ends_with_a_resume() -> None:
    house = WholeHouse()
    house.person("Rita")
    run = house.launch(house.draft(TEMPLATE))
    hour = f"{house.clock.now():%Y%m%d%H}"
    house.counters.apply([Change("acme", WHOLE_TENANT, hour, padded("1"), {"delivered": 1000, "bounced": 90})])
    house.live.add("acme", run)
    watch = ReputationWatch(house.services.reputation, house.live)
    assert [stopped for _, stopped in watch.watch()] == [True]
    assert [handled.result for handled in house.send()] == ["held"]
    assert "8.3%" in house.client.get(f"/runs/{run}").json["held"]
    hold = house.client.get("/sending").json["hold"]
    assert (hold["cause"], "8.3%" in hold["words_bn"]) == ("bounce_rate", True)
    assert house.client.post("/sending/resume").json["runs"] == 1
    assert watch.watch() == []
    house.send()
    assert house.accounting(run) == {"accepted": 1}
    assert house.client.get("/sending/reputation").json["since"].startswith("2026-01-05T09:00")


def test_a_run_whose_provider_has_used_up_its_quota_waits_with_words_and_goes_on_by_itself() -> None:
    house = WholeHouse()
    for name in ("Rita", "Mina"):
        house.person(name)
    run = house.launch(house.draft(TEMPLATE))
    house.provider.failure = lambda _mail, _number: Outcome("wait_quota", code="LimitExceededException")
    assert [handled.result for handled in house.send()] == ["put_back"]
    told = house.client.get(f"/runs/{run}").json
    assert (told["status"], told["waiting_for"]["reason"]) == ("sending", "quota")
    assert "quota" in told["waiting_for"]["words"]
    assert "কোটা" in told["waiting_for"]["words_bn"]
    house.provider.failure = lambda _mail, _number: None
    house.clock.advance(minutes=15)
    house.send()
    house.clock.advance(hours=1)
    assert house.accounting(run) == {"accepted": 2}
    assert house.client.get(f"/runs/{run}").json["waiting_for"] is None
