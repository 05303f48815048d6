"""Campaigns as a whole: their life, their e-mails, approval and lists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meghdoot.areas.access.model import Principal
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign, Figures
from meghdoot.kernel.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Stale
from meghdoot.kernel.money import Money
from tests.unit.campaigns.house import APPROVER, CAMPAIGN, EDITOR, NOW, TENANT, House, in_

STRICT = replace(TENANT, approval_required=True, four_eyes=True)


def campaign_with(house: House, *emails: dict[str, Any]) -> tuple[Campaign, list[EmailCampaign]]:
    campaign = house.campaigns.create(EDITOR, CAMPAIGN)
    return campaign, [house.draft(marketing_campaign_id=campaign.id, **e) for e in emails]


def statuses(house: House, emails: list[EmailCampaign]) -> list[str]:
    return [house.emails.get("acme", e.id).status for e in emails]


def test_a_campaign_is_created_as_a_draft_of_its_tenant() -> None:
    house = House()
    campaign = house.campaigns.create(EDITOR, CAMPAIGN)
    assert (campaign.status, campaign.tenant, campaign.created_by, campaign.version) == ("draft", "acme", "editor-1", 1)
    assert campaign.budget == Money(5_000_000, "BDT")
    assert campaign.campaign_name_bn == "ঈদ কালেকশন লঞ্চ"
    assert house.campaigns.get("acme", campaign.id) == campaign
    with pytest.raises(NotFound):
        house.campaigns.get("other", campaign.id)


def test_011_an_edit_of_an_old_version_is_stale_and_changes_nothing() -> None:
    house = House()
    campaign = house.campaigns.create(EDITOR, CAMPAIGN)
    newer = house.campaigns.update(EDITOR, campaign.id, {"budget": "75000.00"}, 1)
    with pytest.raises(Stale):
        house.campaigns.update(EDITOR, campaign.id, {"budget": "1.00"}, 1)
    assert house.campaigns.get("acme", campaign.id) == newer
    assert newer.budget == Money(7_500_000, "BDT")


def test_a_launch_sends_immediate_emails_schedules_scheduled_ones_and_leaves_triggered_ones() -> None:
    house = House()
    campaign, emails = campaign_with(house, {}, {"scheduled_time": in_(hours=2)}, {"send_type": "triggered"})
    assert house.campaigns.launch("acme", campaign.id).status == "active"
    assert statuses(house, emails) == ["sending", "scheduled", "draft"]
    assert len(house.machine.started) == 1


def test_a_blocked_email_stops_the_launch_of_the_whole_before_anything_changes() -> None:
    house = House()
    campaign, emails = campaign_with(house, {}, {"template_id": "none"})
    with pytest.raises(Conflict) as e:
        house.campaigns.launch("acme", campaign.id)
    assert e.value.code == "launch_check_failed"
    assert house.campaigns.get("acme", campaign.id).status == "draft"
    assert statuses(house, emails) == ["draft", "draft"]
    assert not house.runs.runs


@pytest.mark.parametrize("name", ["commit", "begin"])
def test_094_a_campaign_launch_that_dies_is_finished_by_the_ticker_or_never_happened(name: str) -> None:
    house = House()
    campaign, emails = campaign_with(house, {}, {})

    class Killed(Exception):
        pass

    def kill(*_args: Any, **_kwargs: Any) -> None:
        raise Killed

    owner, attribute = {"commit": (house.campaign_store, "replace"), "begin": (house.runs, "create_run")}[name]
    setattr(owner, attribute, kill)
    with pytest.raises(Killed):
        house.campaigns.launch("acme", campaign.id)
    delattr(owner, attribute)
    house.due.launch_due(house.later(minutes=1))
    expected = "sending" if name == "begin" else "draft"
    assert statuses(house, emails) == [expected, expected]
    assert len(house.machine.started) == (2 if name == "begin" else 0)


def test_094_the_second_click_on_launch_is_refused() -> None:
    house = House()
    campaign, _ = campaign_with(house, {})
    house.campaigns.launch("acme", campaign.id)
    with pytest.raises(Conflict) as e:
        house.campaigns.launch("acme", campaign.id)
    assert e.value.code == "campaign_cannot_be_launched"
    assert len(house.runs.runs) == 1


def test_pause_and_resume_reach_every_email_and_hold_scheduled_ones() -> None:
    house = House()
    campaign, emails = campaign_with(house, {}, {"scheduled_time": in_(hours=2)})
    house.campaigns.launch("acme", campaign.id)
    assert house.campaigns.pause("acme", campaign.id).status == "paused"
    assert statuses(house, emails) == ["paused", "scheduled"]
    assert [o.decision for o in house.due.launch_due(house.later(hours=3))] == ["held"]
    assert statuses(house, emails) == ["paused", "scheduled"]
    house.later(hours=40)
    assert house.campaigns.resume("acme", campaign.id).status == "active"
    assert [o.decision for o in house.due.launch_due(house.clock.now())] == ["launched"]
    assert statuses(house, emails) == ["sending", "sending"]


def test_an_email_of_a_paused_campaign_cannot_be_launched_by_itself() -> None:
    house = House()
    campaign, emails = campaign_with(house, {"send_type": "triggered"})
    house.campaigns.launch("acme", campaign.id)
    house.campaigns.pause("acme", campaign.id)
    with pytest.raises(Conflict) as e:
        house.emails.launch("acme", emails[0].id)
    assert e.value.code == "campaign_not_active"


def test_cancelling_ends_every_open_email_and_its_run() -> None:
    house = House()
    campaign, emails = campaign_with(house, {}, {"scheduled_time": in_(hours=2)}, {"send_type": "triggered"})
    house.campaigns.launch("acme", campaign.id)
    assert house.campaigns.cancel("acme", campaign.id).status == "cancelled"
    assert statuses(house, emails) == ["cancelled"] * 3
    assert {r.status for r in house.runs.runs.values()} == {"cancelled"}
    assert [o.decision for o in house.due.launch_due(house.later(hours=3))] == ["nothing_to_do"]


def test_a_one_time_campaign_is_completed_when_its_emails_are_out() -> None:
    house = House()
    campaign, emails = campaign_with(house, {})
    house.campaigns.launch("acme", campaign.id)
    assert house.campaigns.complete_if_over("acme", campaign.id).status == "active"
    for _ in range(2):
        email = house.campaigns.email_sent("acme", emails[0].id)
        assert email is not None
        assert email.status == "sent"
        assert house.campaigns.get("acme", campaign.id).status == "completed"


def test_a_campaign_is_completed_at_its_end_by_a_timer() -> None:
    house = House()
    campaign, emails = campaign_with(house, {"send_type": "triggered"})
    house.campaigns.launch("acme", campaign.id)
    assert house.due.launch_due(house.later(days=20)) == []
    assert [o.decision for o in house.due.launch_due(house.later(days=1))] == ["completed"]
    assert house.campaigns.get("acme", campaign.id).status == "completed"
    assert statuses(house, emails) == ["draft"]


def test_a_scheduled_campaign_is_launched_at_its_start() -> None:
    house = House()
    campaign, emails = campaign_with(house, {})
    assert house.campaigns.schedule("acme", campaign.id).status == "scheduled"
    assert house.due.launch_due(house.later(days=4)) == []
    assert [o.decision for o in house.due.launch_due(house.later(days=1))] == ["launched"]
    assert statuses(house, emails) == ["sending"]


def test_a_campaign_without_a_start_or_with_one_in_the_past_cannot_be_scheduled() -> None:
    house = House()
    campaign = house.campaigns.create(EDITOR, {**CAMPAIGN, "start_date": None})
    with pytest.raises(Invalid):
        house.campaigns.schedule("acme", campaign.id)
    late = house.campaigns.create(EDITOR, {**CAMPAIGN, "start_date": "2026-01-01T00:00:00Z"})
    with pytest.raises(Invalid):
        house.campaigns.schedule("acme", late.id)


def test_012_a_running_campaign_takes_a_budget_but_no_other_channel() -> None:
    house = House()
    campaign, _ = campaign_with(house, {})
    active = house.campaigns.launch("acme", campaign.id)
    amended = house.campaigns.update(
        EDITOR, campaign.id, {"budget": "75000.00", "end_date": "2026-01-30T23:59:59Z"}, active.version
    )
    assert amended.status == "active"
    with pytest.raises(Conflict) as e:
        house.campaigns.update(EDITOR, campaign.id, {"channels": ["sms"]}, amended.version)
    assert e.value.code == "campaign_cannot_be_edited"


def test_012_only_drafts_and_ended_campaigns_can_be_deleted() -> None:
    house = House()
    draft, _ = campaign_with(house)
    active, _ = campaign_with(house)
    house.campaigns.launch("acme", active.id)
    house.campaigns.delete("acme", draft.id)
    with pytest.raises(NotFound):
        house.campaigns.get("acme", draft.id)
    with pytest.raises(Conflict) as e:
        house.campaigns.delete("acme", active.id)
    assert e.value.code == "campaign_cannot_be_deleted"
    house.campaigns.cancel("acme", active.id)
    house.campaigns.delete("acme", active.id)


def test_012_a_sending_email_can_be_neither_edited_nor_deleted() -> None:
    house = House()
    sending = house.emails.launch("acme", house.draft().id)
    for act, code in (
        (lambda: house.emails.update(EDITOR, sending.id, {"subject_line": "x"}, 2), "campaign_cannot_be_edited"),
        (lambda: house.emails.delete("acme", sending.id), "campaign_cannot_be_deleted"),
    ):
        with pytest.raises(Conflict) as e:
            act()
        assert e.value.code == code


def test_with_four_eyes_neither_author_nor_last_editor_approves() -> None:
    house = House(STRICT)
    campaign, emails = campaign_with(house, {})
    other = Principal("acme", "editor-2", "editor", frozenset())
    house.emails.update(other, emails[0].id, {"subject_line": "Better"}, 1)
    for principal in (EDITOR, other):
        with pytest.raises(Forbidden) as e:
            house.emails.approve(principal, emails[0].id)
        assert e.value.code == "four_eyes"
    approved = house.campaigns.approve(APPROVER, campaign.id)
    assert (approved.approved_by, approved.approved_at, approved.approved_version) == ("approver-1", NOW, 1)
    assert house.emails.get("acme", emails[0].id).approved_by == "approver-1"


def test_without_four_eyes_an_author_may_approve() -> None:
    house = House(replace(STRICT, four_eyes=False))
    campaign, _ = campaign_with(house)
    assert house.campaigns.approve(EDITOR, campaign.id).approved_by == "editor-1"


def test_a_launch_needs_an_approval_and_an_edit_takes_it_back() -> None:
    house = House(STRICT)
    campaign, emails = campaign_with(house, {})
    with pytest.raises(Forbidden) as e:
        house.campaigns.launch("acme", campaign.id)
    assert e.value.code == "approval_missing"
    approved = house.campaigns.approve(APPROVER, campaign.id)
    edited = house.campaigns.update(EDITOR, campaign.id, {"description": "new"}, approved.version)
    assert (edited.approved_by, edited.approved_at, edited.approved_version) == (None, None, None)
    again = house.campaigns.approve(APPROVER, campaign.id)
    email = house.emails.get("acme", emails[0].id)
    house.emails.update(EDITOR, email.id, {"subject_line": "Free!"}, email.version)
    with pytest.raises(Conflict) as e2:
        house.campaigns.launch("acme", campaign.id)
    assert [f.code for f in e2.value.fields] == ["approval_missing"]
    house.emails.approve(APPROVER, email.id)
    assert house.campaigns.launch("acme", campaign.id).version == again.version + 1


def test_an_approval_of_an_old_version_is_stale() -> None:
    house = House(STRICT)
    campaign, _ = campaign_with(house)
    house.campaigns.update(EDITOR, campaign.id, {"description": "changed behind the approver's back"}, 1)
    with pytest.raises(Stale):
        house.campaigns.approve(APPROVER, campaign.id, expected_version=1)


def test_lists_filter_page_and_sum_over_all_that_match() -> None:
    house = House()
    ids = []
    for n in range(5):
        house.later(minutes=1)
        kind = "retention" if n == 4 else "acquisition"
        ids.append(house.campaigns.create(EDITOR, {**CAMPAIGN, "campaign_type": kind, "spent_amount": "19000"}).id)
    house.campaigns.create(EDITOR, {**CAMPAIGN, "currency": "USD"})
    house.figures.figures = {ids[0]: Figures(7500, 245, Money(48_500_000, "BDT"))}
    listed = house.campaigns.page("acme", status="draft", campaign_type="acquisition", page=2, limit=2)
    assert [c.id for c in listed.campaigns] == [ids[2], ids[1]]
    assert listed.total_count == 5
    assert listed.summary.total_budget == Money(20_000_000, "BDT")
    assert listed.summary.total_spent == Money(7_600_000, "BDT")
    assert listed.summary.total_revenue == Money(48_500_000, "BDT")
    assert listed.summary.overall_roi == 5.3816
    assert listed.summary.other_currencies == 1
    assert listed.figures == {}
    assert house.campaigns.page("acme", page=1, limit=10).figures == house.figures.figures


def test_kpi_19_the_portfolio_of_the_mission_has_the_return_that_its_sums_give() -> None:
    house = House()
    data = {**CAMPAIGN, "budget": "250000.00", "spent_amount": "95000.00"}
    campaign = house.campaigns.create(EDITOR, data)
    house.figures.figures = {campaign.id: Figures(7500, 245, Money(215_000_000, "BDT"))}
    summary = house.campaigns.page("acme").summary
    assert summary.overall_roi == 21.6316
    assert (summary.total_budget.minor, summary.total_spent.minor) == (25_000_000, 9_500_000)


def test_an_email_needs_a_campaign_that_exists_and_is_not_over() -> None:
    house = House()
    with pytest.raises(Invalid) as e:
        house.draft(marketing_campaign_id="none")
    assert [f.field for f in e.value.fields] == ["marketing_campaign_id"]
    campaign, _ = campaign_with(house)
    house.campaigns.cancel("acme", campaign.id)
    with pytest.raises(Conflict):
        house.draft(marketing_campaign_id=campaign.id)


def test_a_test_mail_goes_to_named_addresses_with_the_given_data() -> None:
    house = House()
    draft = house.draft()
    outcome = house.emails.send_test("acme", draft.id, ["A@x.example", "b@x.example"], {"customer_name": "John"})
    assert [(a, o.kind) for a, o in outcome] == [("a@x.example", "accepted"), ("b@x.example", "accepted")]
    (content, _, data) = house.test_mail.sent[0]
    assert (content.subject_line, data) == ("Up to 50% off", {"customer_name": "John"})
    for bad in ([], ["x"], ["a@b.example"] * 6):
        with pytest.raises(Invalid):
            house.emails.send_test("acme", draft.id, bad)
    assert house.emails.get("acme", draft.id) == draft


def test_another_tenant_finds_nothing_to_act_on() -> None:
    house = House()
    house.tenants.add(replace(TENANT, id="other"))
    draft = house.draft()
    for act in (house.emails.launch, house.emails.cancel, house.emails.pause, house.emails.check, house.emails.delete):
        with pytest.raises(NotFound):
            act("other", draft.id)
    with pytest.raises(AppError):
        house.emails.update(replace(EDITOR, tenant="other"), draft.id, {"subject_line": "x"}, 1)
