"""A campaign from the first draft to its end, through the API and the workers, with every person accounted for."""

from __future__ import annotations

from datetime import UTC, datetime

from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from tests.support.whole_house import WholeHouse

TEMPLATE = {
    "template_name": "Eid", "template_category": "promotional", "subject_line": "Eid",
    "html_content": '<p>Hi {{first_name}}</p><p>{{postal_address}} <a href="{{unsubscribe_url}}">out</a></p>',
    "variables": [{"name": "first_name", "default": "friend"}],
}  # fmt: skip
PEOPLE = 60


def full_house(**settings: bool) -> WholeHouse:
    """Sixty people who agreed, one who did not, and one without an address."""
    house = WholeHouse(**settings)
    for n in range(PEOPLE):
        house.person(f"P{n}", first_name=f"P{n}")
    house.person("Refuser", consent=False)
    house.client.post("/customers", {"external_id": "Unreachable"})
    return house


def test_a_campaign_is_checked_approved_launched_paused_resumed_and_finished() -> None:
    # Given a tenant under four eyes, and a draft
    house = full_house(four_eyes=True, approval_required=True)
    path = house.draft(TEMPLATE)
    # When it is checked before anybody has approved it
    checked = house.client.post(f"{path}/check").json
    # Then the check says what is missing, and neither the author nor a launch gets past it
    assert [f["code"] for f in checked["findings"] if f["level"] == "blocking"] == ["approval_missing"]
    assert house.client.post(f"{path}/launch").code == "launch_check_failed"
    assert house.client.post(f"{path}/approve").code == "four_eyes"
    assert house.client.as_(role="approver").post(f"{path}/approve").status == 200
    assert house.client.post(f"{path}/check").json["ok"] is True

    # When it is launched and planned
    run = house.launch(path)
    # Then everybody has a place before a single call: those who cannot be written to with their reason
    aside = {"skipped:no_consent": 1, "skipped:no_address": 1}
    assert house.accounting(run) == {"pending": PEOPLE} | aside

    # When a person pauses it while the second wave is on its way
    def pause_at(mail: OutboundEmail, number: int) -> Outcome | None:
        assert house.accounting(run)
        if number == 30:
            assert house.client.post(f"{path}/pause", {"reason": "typo"}).json["status"] == "paused"
        return None

    house.provider.failure = pause_at
    house.sender.pacer.granted = 25.0  # type: ignore[attr-defined]
    (handled,) = house.send()
    # Then the sender stops within a second and a wave, and the rest wait
    assert handled.result == "paused"
    sent = len(house.provider.accepted)
    assert 30 <= sent < PEOPLE
    assert house.accounting(run) == {"accepted": sent, "pending": PEOPLE - sent} | aside
    assert house.send() == []

    # When it is resumed
    house.provider.failure = lambda mail, number: None
    house.clock.advance(minutes=5)
    assert house.client.post(f"{path}/resume").json["status"] == "sending"
    assert [h.result for h in house.send()] == ["done"]
    # Then nobody was skipped and nobody was written to twice, and the campaign is over
    assert house.accounting(run) == {"accepted": PEOPLE} | aside
    assert len({mail.to for mail in house.provider.accepted}) == len(house.provider.accepted) == PEOPLE
    assert house.close(run) == "sent"
    assert house.client.get(path).json["status"] == "sent"
    assert house.client.get(f"/runs/{run}").json["status"] == "done"
    assert house.client.get(f"/templates/{house.client.get(path).json['template_id']}").json["usage_count"] == 1


def test_a_cancelled_campaign_calls_nobody_any_more_and_says_so_for_each_person() -> None:
    # Given a run of which the first wave is out
    house = full_house()
    path = house.draft(TEMPLATE)
    run = house.launch(path)

    def cancel_at(mail: OutboundEmail, number: int) -> Outcome | None:
        if number == 10:
            assert house.client.post(f"{path}/cancel").json["status"] == "cancelled"
        return None

    # When somebody cancels it
    house.provider.failure = cancel_at
    house.sender.pacer.granted = 25.0  # type: ignore[attr-defined]
    house.send()
    for _ in range(3):
        house.send()
        house.clock.advance(minutes=20)
        house.sweeper.sweep_all()
    # Then those who were not called are cancelled, and stay so
    sent = len(house.provider.accepted)
    assert 10 <= sent < PEOPLE
    assert house.accounting(run) == {
        "accepted": sent, "cancelled": PEOPLE - sent, "skipped:no_consent": 1, "skipped:no_address": 1,
    }  # fmt: skip
    assert house.client.post(f"{path}/resume").status == 409
    assert house.client.post(f"{path}/launch").code == "campaign_cannot_be_launched"
    assert house.client.get(path).json["status"] == "cancelled"


def test_nobody_who_could_be_written_to_stops_a_launch() -> None:
    # Given people who never agreed
    house = WholeHouse()
    for n in range(3):
        house.person(f"P{n}", consent=False)
    path = house.draft(TEMPLATE)
    # When it is launched, then it is refused with the reason; after one consent it goes
    refused = house.client.post(f"{path}/launch")
    assert (refused.code, refused.json["errors"][0]["code"]) == ("launch_check_failed", "nobody_reachable")
    house.person("Willing")
    assert house.accounting(house.launch(path)) == {"pending": 1, "skipped:no_consent": 3}


def test_a_campaign_scheduled_in_dhaka_is_launched_at_its_instant_and_not_a_minute_before() -> None:
    # Given nine o'clock in the morning of Dhaka, which is three o'clock UTC
    house = full_house()
    path = house.draft(TEMPLATE)
    planned = house.client.post(f"{path}/schedule", {"scheduled_time": "2026-01-06T09:00:00", "timezone": "Asia/Dhaka"})
    assert planned.json["scheduled_time"] == "2026-01-06T03:00:00.000Z"
    # When the ticker comes a second early, then it does nothing
    house.clock.at = datetime(2026, 1, 6, 2, 59, 59, tzinfo=UTC)
    assert house.tick() == []
    assert house.client.get(path).json["status"] == "scheduled"
    # When it comes at the instant, twice, then one run begins
    house.clock.advance(seconds=1)
    assert [o.decision for o in house.tick()] == ["launched"]
    assert house.tick() == []
    email = house.client.get(path).json
    assert (email["status"], email["sent_at"]) == ("sending", "2026-01-06T03:00:00.000Z")
    assert list(house.ports.machine.started) == [("acme", email["run_id"])]  # type: ignore[attr-defined]
    house.plan(email["run_id"])
    house.send()
    assert house.accounting(email["run_id"])["accepted"] == PEOPLE
