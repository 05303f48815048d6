"""Launching: one run whatever happens, pinned to what was checked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.kernel.errors import AppError, Conflict, Invalid, Stale, Unavailable
from tests.unit.campaigns.house import EDITOR, NOW, TEMPLATE, House, in_


class Killed(Exception):
    """The process ends here."""


def test_a_launch_checks_pins_creates_one_run_and_starts_its_machine() -> None:
    house = House()
    email = house.emails.launch("acme", house.draft().id)
    (run,) = house.runs.runs.values()
    assert email.status == "sending"
    assert email.template_version == run.content.template_version == 3
    assert (run.id, run.status, run.segment_ids) == (email.run_id, "planning", ("seg",))
    assert run.content.reply_to == "help@shop.example"
    links = [(link.number, link.url.partition("?")[0]) for link in run.content.links]
    assert links == [(1, "https://shop.example/eid"), (2, "https://shop.example/sale")]
    assert house.runs.expected_people == 12
    assert list(house.machine.started) == [("acme", run.id)]
    assert house.timers.due(NOW + timedelta(days=400)) == []


def test_a_blocked_launch_changes_nothing_and_says_what_to_mend() -> None:
    house = House()
    house.senders.remove("acme", "@shop.example")
    draft = house.draft()
    with pytest.raises(Conflict) as e:
        house.emails.launch("acme", draft.id)
    assert e.value.code == "launch_check_failed"
    assert [f.code for f in e.value.fields] == ["sender_not_verified"]
    assert house.emails.get("acme", draft.id) == draft
    assert not house.runs.runs
    assert not house.timers.due(NOW + timedelta(days=1))


def test_104_a_template_changed_after_the_launch_changes_nothing_in_the_run() -> None:
    house = House()

    def kill(*_args: Any, **_kwargs: Any) -> None:
        raise Killed

    house.runs.create_run = kill  # type: ignore[method-assign]
    draft = house.draft()
    with pytest.raises(Killed):
        house.emails.launch("acme", draft.id)
    newer = replace(TEMPLATE, version=4, html_content="another", subject_line_bn="নতুন")
    house.templates.replace(newer, 3)
    house.versions.add(newer)
    del house.runs.create_run  # type: ignore[method-assign]
    assert [o.decision for o in house.due.launch_due(house.later(minutes=1))] == ["started"]
    (run,) = house.runs.runs.values()
    assert run.content.template_version == 3
    assert run.content.subject_line_bn is None


@pytest.mark.parametrize("step", ["timer", "commit", "run", "machine", "done"])
def test_094_a_launch_that_dies_at_any_step_is_finished_by_the_ticker_or_never_happened(step: str) -> None:
    house = House()
    draft = house.draft()
    owner, name = {
        "timer": (house.timers, "set"), "commit": (house.email_store, "replace"), "run": (house.runs, "create_run"),
        "machine": (house.machine, "start"), "done": (house.timers, "done"),
    }[step]  # fmt: skip

    def kill(*_args: Any, **_kwargs: Any) -> None:
        raise Killed

    setattr(owner, name, kill)
    with pytest.raises(Killed):
        house.emails.launch("acme", draft.id)
    delattr(owner, name)
    house.due.launch_due(house.later(minutes=1))
    house.due.launch_due(house.later(minutes=1))
    email = house.emails.get("acme", draft.id)
    happened = step not in ("timer", "commit")
    assert email.status == ("sending" if happened else "draft")
    assert len(house.runs.runs) == len(house.machine.started) == int(happened)
    assert house.timers.due(NOW + timedelta(days=1)) == []


class Interleaved:
    """Runs another act in the middle of a launch: before the n-th call of any store, run, machine or timer."""

    def __init__(self, house: House, at: int, act: Any) -> None:
        self.at, self.act, self.calls, self.busy = at, act, 0, False
        for owner, names in (
            (house.email_store, ("get", "replace")), (house.runs, ("create_run", "cancel", "pause")),
            (house.machine, ("start",)), (house.timers, ("set", "done")),
        ):  # fmt: skip
            for name in names:
                setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _wrapped(self, inner: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self.busy:
                self.calls += 1
                if self.calls == self.at:
                    self.busy = True
                    self.act()
                    self.busy = False
            return inner(*args, **kwargs)

        return call


def attempt(act: Any) -> str:
    try:
        return str(act().status)
    except AppError as e:
        return e.code


@pytest.mark.parametrize("at", range(1, 12))
def test_094_a_double_launch_gives_one_run_wherever_the_second_click_falls(at: int) -> None:
    house = House()
    draft = house.draft()
    answers: list[str] = []
    Interleaved(house, at, lambda: answers.append(attempt(lambda: house.emails.launch("acme", draft.id))))
    answers.append(attempt(lambda: house.emails.launch("acme", draft.id)))
    answers.append(attempt(lambda: house.emails.launch("acme", draft.id)))
    assert answers.count("sending") == 1
    assert set(answers) <= {"sending", "campaign_cannot_be_launched"}
    assert len(house.runs.runs) == len(house.machine.started) == 1


@pytest.mark.parametrize("at", range(1, 12))
def test_094_launch_and_cancel_end_in_a_cancelled_run_or_in_none(at: int) -> None:
    house = House()
    draft = house.draft()
    answers: list[str] = []
    Interleaved(house, at, lambda: answers.append(attempt(lambda: house.emails.cancel("acme", draft.id))))
    answers.append(attempt(lambda: house.emails.launch("acme", draft.id)))
    if "cancelled" not in answers:
        answers.append(attempt(lambda: house.emails.cancel("acme", draft.id)))
    assert "cancelled" in answers
    assert house.emails.get("acme", draft.id).status == "cancelled"
    assert {r.status for r in house.runs.runs.values()} <= {"cancelled"}


@pytest.mark.parametrize("at", range(1, 12))
def test_094_cancel_and_launch_in_the_other_order_agree_too(at: int) -> None:
    house = House()
    draft = house.draft()
    Interleaved(house, at, lambda: attempt(lambda: house.emails.launch("acme", draft.id)))
    attempt(lambda: house.emails.cancel("acme", draft.id))
    if house.emails.get("acme", draft.id).status != "cancelled":
        house.emails.cancel("acme", draft.id)
    assert {r.status for r in house.runs.runs.values()} <= {"cancelled"}


@pytest.mark.parametrize("order", list(permutations(["pause", "resume", "edit"])))
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_094_pause_resume_and_edit_leave_the_run_as_the_campaign_says(order: tuple[str, ...], at: int) -> None:
    house = House()
    sending = house.emails.launch("acme", house.draft().id)
    acts = {
        "pause": lambda: house.emails.pause("acme", sending.id),
        "resume": lambda: house.emails.resume("acme", sending.id),
        "edit": lambda: house.emails.update(EDITOR, sending.id, {"subject_line": "x"}, 2),
    }
    Interleaved(house, at, lambda: attempt(acts[order[1]]))
    answers = [attempt(acts[order[0]]), attempt(acts[order[2]])]
    email = house.emails.get("acme", sending.id)
    if email.status == "paused":
        assert house.runs.runs[str(email.run_id)].status == "paused"
    assert email.subject_line == "Up to 50% off"
    assert len(answers) == 2


def test_pause_and_resume_reach_the_run_and_a_second_pause_is_refused() -> None:
    house = House()
    sending = house.emails.launch("acme", house.draft().id)
    paused = house.emails.pause("acme", sending.id, "provider stopped")
    assert (paused.status, paused.pause_reason) == ("paused", "provider stopped")
    assert house.runs.runs[str(sending.run_id)].status == "paused"
    with pytest.raises(Conflict) as e:
        house.emails.pause("acme", sending.id)
    assert e.value.code == "campaign_cannot_be_paused"
    assert house.emails.resume("acme", sending.id).pause_reason is None
    assert house.runs.runs[str(sending.run_id)].status == "sending"


def test_a_finished_run_makes_it_sent_and_telling_it_twice_is_fine() -> None:
    house = House()
    sending = house.emails.launch("acme", house.draft().id)
    first = house.emails.finish("acme", sending.id)
    assert first is not None
    assert first.status == "sent"
    assert house.emails.finish("acme", sending.id) == first
    assert house.emails.finish("acme", "unknown") is None


def test_a_scheduled_campaign_is_launched_when_due_and_not_before() -> None:
    house = House()
    draft = house.draft(scheduled_time=in_(hours=2))
    assert draft.send_type == "scheduled"
    assert house.emails.schedule("acme", draft.id).status == "scheduled"
    assert house.due.launch_due(house.later(hours=1)) == []
    outcomes = house.due.launch_due(house.later(hours=1))
    assert [(o.id, o.decision) for o in outcomes] == [(draft.id, "launched")]
    assert house.emails.get("acme", draft.id).status == "sending"
    assert house.due.launch_due(house.later(hours=1)) == []


def test_a_rescheduled_campaign_ignores_its_old_timer() -> None:
    house = House()
    draft = house.draft(scheduled_time=in_(hours=2))
    planned = house.emails.schedule("acme", draft.id)
    house.emails.update(EDITOR, draft.id, {"scheduled_time": in_(hours=5)}, planned.version)
    assert [o.decision for o in house.due.launch_due(house.later(hours=3))] == ["rescheduled"]
    assert [o.decision for o in house.due.launch_due(house.later(hours=2))] == ["launched"]


def test_a_due_campaign_that_fails_its_check_goes_back_to_draft_with_the_reason() -> None:
    house = House()
    draft = house.draft(scheduled_time=in_(hours=2))
    house.emails.schedule("acme", draft.id)
    house.senders.remove("acme", "@shop.example")
    (outcome,) = house.due.launch_due(house.later(hours=2))
    assert outcome.decision == "refused:launch_check_failed"
    email = house.emails.get("acme", draft.id)
    assert (email.status, email.pause_reason) == ("draft", "launch_check_failed: sender_not_verified")


def test_a_launch_missed_by_more_than_a_day_is_not_made_up_for() -> None:
    house = House()
    draft = house.draft(scheduled_time=in_(hours=2))
    house.emails.schedule("acme", draft.id)
    (outcome,) = house.due.launch_due(house.later(hours=27))
    assert outcome.decision == "missed"
    assert house.emails.get("acme", draft.id).status == "draft"
    assert not house.runs.runs


def test_a_timer_that_cannot_be_handled_now_stays_and_stops_no_other() -> None:
    house = House()
    one, two = (house.draft(scheduled_time=in_(hours=2)) for _ in range(2))
    house.emails.schedule("acme", one.id)
    house.emails.schedule("acme", two.id)
    start = house.machine.start

    def busy(tenant: str, run_id: str) -> None:
        if house.runs.runs[run_id].email_campaign_id == one.id:
            raise Unavailable("the state machines do not answer")
        start(tenant, run_id)

    house.machine.start = busy  # type: ignore[method-assign]
    decisions = {o.id: o.decision for o in house.due.launch_due(house.later(hours=2))}
    assert decisions == {one.id: "later:unavailable", two.id: "launched"}
    house.machine.start = start  # type: ignore[method-assign]
    assert {o.decision for o in house.due.launch_due(house.later(minutes=1))} == {"started"}
    assert len(house.machine.started) == 2


@pytest.mark.parametrize(
    ("when", "code"), [("2026-01-05T08:59:59Z", "in_the_past"), ("2027-01-07T09:00:00Z", "too_far_ahead")]
)
def test_013_a_schedule_in_the_past_or_over_a_year_ahead_is_refused(when: str, code: str) -> None:
    house = House()
    with pytest.raises(Invalid) as e:
        house.draft(scheduled_time=when)
    assert [(f.field, f.code) for f in e.value.fields] == [("scheduled_time", code)]


def test_013_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Invalid) as e:
        House().draft(timezone="Asia/Dacca City")
    assert [(f.field, f.code) for f in e.value.fields] == [("timezone", "unknown_time_zone")]


def test_011_an_edit_of_an_old_version_is_stale_and_changes_nothing() -> None:
    house = House()
    draft = house.draft()
    newer = house.emails.update(EDITOR, draft.id, {"subject_line": "A"}, 1)
    with pytest.raises(Stale):
        house.emails.update(EDITOR, draft.id, {"subject_line": "B"}, 1)
    assert house.emails.get("acme", draft.id) == newer
    assert isinstance(newer, EmailCampaign)


@pytest.mark.parametrize(("act", "status"), [("cancel", "cancelled"), ("pause", "paused")])
def test_094_an_act_between_commit_and_run_still_reaches_the_run(act: str, status: str) -> None:
    house = House()
    draft = house.draft()

    def kill(*_args: Any, **_kwargs: Any) -> None:
        raise Killed

    house.runs.create_run = kill  # type: ignore[method-assign]
    with pytest.raises(Killed):
        house.emails.launch("acme", draft.id)
    del house.runs.create_run  # type: ignore[method-assign]
    sending = house.emails.get("acme", draft.id)
    replace_in_store = house.email_store.replace

    def started_meanwhile(record: EmailCampaign, expected_version: int) -> None:
        house.launcher.ensure_started(sending)
        replace_in_store(record, expected_version)

    house.email_store.replace = started_meanwhile  # type: ignore[method-assign]
    getattr(house.emails, act)("acme", draft.id)
    assert house.runs.runs[str(sending.run_id)].status == status


def test_a_mail_whose_link_cannot_be_followed_is_refused_before_anything_is_stored() -> None:
    house = House()
    broken = replace(
        TEMPLATE, version=4, html_content='<a href="https://user:pw@shop.example/">x</a>{{unsubscribe_url}}'
    )
    house.templates.replace(broken, 3)
    house.versions.add(broken)
    draft = house.draft()
    with pytest.raises(Conflict) as e:
        house.emails.launch("acme", draft.id)
    assert [f.code for f in e.value.fields] == ["bad_link"]
    assert house.emails.get("acme", draft.id) == draft
    assert not house.runs.runs


def test_a_time_without_offset_is_read_in_the_zone_of_the_request_or_of_the_campaign() -> None:
    house = House()
    draft = house.draft(timezone="Asia/Dhaka")
    local = datetime.fromisoformat("2026-02-01T09:00:00")
    assert house.emails.local_time("acme", draft.id, local) == datetime(2026, 2, 1, 3, 0, tzinfo=UTC)
    assert house.emails.local_time("acme", draft.id, local, "UTC") == datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
    with pytest.raises(Invalid):
        house.emails.local_time("acme", draft.id, local, "Nowhere/At_All")
