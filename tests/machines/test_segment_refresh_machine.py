"""The machine that refreshes segments really executes; its tasks are played here."""

from __future__ import annotations

from typing import Any

from tests.support.machines import Start


class PlayedRefresh:
    """Answers as the task `segment_refresh` does, and remembers what it was asked."""

    def __init__(self, fails: int = 0) -> None:
        self.asked: list[dict[str, Any]] = []
        self.fails = fails

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self.asked.append(event)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the manifest was replaced by somebody else")
        return {"files": 3}


def test_a_named_segment_is_counted_after_the_compaction(running: Start) -> None:
    played = PlayedRefresh()
    with running({"segment_refresh": played}) as m:
        end = m.run(m.create("segment_refresh"), {"tenant": "t1", "segment_id": "s1"})
    assert end.status == "SUCCEEDED"
    assert played.asked == [{"op": "compact", "tenant": "t1"}, {"op": "count", "tenant": "t1", "segment_id": "s1"}]


def test_without_a_segment_only_the_compaction_runs(running: Start) -> None:
    played = PlayedRefresh()
    with running({"segment_refresh": played}) as m:
        end = m.run(m.create("segment_refresh"), {"tenant": "t1"})
    assert end.status == "SUCCEEDED"
    assert end.states == ("Compact", "IsSegmentNamed", "Refreshed")
    assert played.asked == [{"op": "compact", "tenant": "t1"}]


def test_a_compaction_that_lost_a_race_is_repeated(running: Start) -> None:
    played = PlayedRefresh(fails=1)
    with running({"segment_refresh": played}) as m:
        end = m.run(m.create("segment_refresh"), {"tenant": "t1", "segment_id": "s1"})
    assert end.status == "SUCCEEDED"
    assert [event["op"] for event in played.asked] == ["compact", "compact", "count"]


def test_a_refresh_that_keeps_failing_ends_failed(running: Start) -> None:
    played = PlayedRefresh(fails=99)
    with running({"segment_refresh": played}) as m:
        end = m.run(m.create("segment_refresh"), {"tenant": "t1"})
    assert end.status == "FAILED"
    assert len(played.asked) == 3
