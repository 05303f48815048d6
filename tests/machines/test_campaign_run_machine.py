"""The machine of a campaign run really executes; its tasks are played here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from meghdoot.areas.messaging.steps import wait_seconds
from tests.support.machines import FOLDER, Start

RUN = {"tenant": "t1", "run_id": "r1"}


class PlayedRun:
    """Answers as the task `campaign_run` does, and remembers what it was asked."""

    def __init__(self, slices: int = 1, rounds: int = 1) -> None:
        self.slices, self.rounds = slices, rounds
        self.asked: list[dict[str, Any]] = []
        self.fails: dict[str, int] = {}

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.asked.append(event)
        if self.fails.get(event["op"], 0) > 0:
            self.fails[event["op"]] -= 1
            raise RuntimeError("the table was throttled")
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "plan": lambda: {"next_slice": event["slice"] + 1 if event["slice"] + 1 < self.slices else None},
            "check": lambda: {
                "done": event["round"] + 1 >= self.rounds,
                "wait_seconds": 5 * 2 ** event["round"],
                "round": event["round"] + 1,
            },
        }
        return answers.get(event["op"], dict)()

    @property
    def ops(self) -> list[str]:
        return [event["op"] for event in self.asked]


def test_a_run_is_planned_checked_and_closed(running: Start) -> None:
    # Given a run that is one slice and done at the first look
    played = PlayedRun()
    # When it executes
    with running({"campaign_run": played}) as m:
        end = m.run(m.create("campaign_run"), RUN)
    # Then each task was asked once, about this run
    assert end.status == "SUCCEEDED"
    assert played.ops == ["plan", "check", "close"]
    assert all(event["tenant"] == "t1" and event["run_id"] == "r1" for event in played.asked)


def test_planning_goes_on_slice_by_slice_until_none_is_next(running: Start) -> None:
    played = PlayedRun(slices=4)
    with running({"campaign_run": played}) as m:
        end = m.run(m.create("campaign_run"), RUN)
    assert end.status == "SUCCEEDED"
    assert [event["slice"] for event in played.asked if event["op"] == "plan"] == [0, 1, 2, 3]


def test_a_run_waits_as_long_as_the_task_says_until_its_chunks_are_done(running: Start) -> None:
    played = PlayedRun(rounds=5)
    with running({"campaign_run": played}) as m:
        end = m.run(m.create("campaign_run"), RUN)
    assert end.status == "SUCCEEDED"
    assert m.waits == [5, 10, 20, 40]
    assert [event["round"] for event in played.asked if event["op"] == "check"] == [0, 1, 2, 3, 4]


def test_a_step_that_fails_once_is_repeated(running: Start) -> None:
    played = PlayedRun()
    played.fails = {"plan": 1, "check": 1, "close": 1}
    with running({"campaign_run": played}) as m:
        end = m.run(m.create("campaign_run"), RUN)
    assert end.status == "SUCCEEDED"
    assert played.ops == ["plan", "plan", "check", "check", "close", "close"]
    assert m.pauses == [5, 5, 5]


def test_a_step_that_keeps_failing_records_the_failure_and_fails_the_run(running: Start) -> None:
    for op in ("plan", "check", "close"):
        played = PlayedRun()
        played.fails = {op: 99}
        with running({"campaign_run": played}) as m:
            end = m.run(m.create("campaign_run"), RUN)
        assert (end.status, end.error) == ("FAILED", "RunFailed")
        assert played.ops.count(op) == 3
        assert played.asked[-1] == {"op": "fail", "tenant": "t1", "run_id": "r1", "error": "RuntimeError"}


def test_a_run_fails_even_when_its_failure_cannot_be_recorded(running: Start) -> None:
    played = PlayedRun()
    played.fails = {"plan": 99, "fail": 99}
    with running({"campaign_run": played}) as m:
        end = m.run(m.create("campaign_run"), RUN)
    assert (end.status, end.error) == ("FAILED", "RunFailed")
    assert played.ops.count("fail") == 4


def test_a_week_of_watching_stays_inside_the_limit_of_history_events() -> None:
    # Given the events of one look (five of a task, two of any other state) and the waits between looks
    machine = json.loads((FOLDER / "campaign_run.asl.json").read_text())
    looked_at = ("Check", "IsDone", "WaitForChunks", "NextRound")
    events = sum(5 if machine["States"][name]["Type"] == "Task" else 2 for name in looked_at)
    # When a run is watched until the machine's own timeout
    seconds = looks = 0
    while seconds < machine["TimeoutSeconds"]:
        seconds += wait_seconds(looks)
        looks += 1
    # Then a tenth of the 25,000 events is left for planning
    assert looks * events < 22_500
