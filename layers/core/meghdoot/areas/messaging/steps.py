"""The steps of the machine that watches over a run: plan a slice, look whether work is left, close, or tell of a failure."""

from __future__ import annotations

from dataclasses import dataclass

from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.planner import PlannerService
from meghdoot.areas.messaging.service import RunService
from meghdoot.areas.messaging.sweeper import SweeperService
from meghdoot.kernel.errors import Conflict

LONGEST_WAIT_SECONDS = 300
_GROWTH = 1.4


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether nobody is left, else how long to wait before the next look."""

    done: bool
    wait_seconds: int
    round: int


@dataclass(frozen=True, slots=True)
class RunSteps:
    """Every step may be repeated."""

    planner: PlannerService
    runs: RunService
    sweeper: SweeperService

    def plan(self, tenant: str, run_id: str, slice_: int) -> int | None:
        """Plan one slice; answers the next, or None after the last. Raises NotFound."""
        return self.planner.plan_slice(tenant, run_id, slice_)

    def check(self, tenant: str, run_id: str, round_: int) -> Checked:
        """Whether everything is planned and no work is left. Raises NotFound."""
        run = self.runs.get(tenant, run_id)
        left, _ = self.runs.progress(run)
        done = left == 0 and (run.planned_slices >= run.slices or run.status == "cancelled")
        return Checked(done, wait_seconds(round_), round_ + 1)

    def close(self, tenant: str, run_id: str) -> Run:
        """End the run. Raises NotFound."""
        self.sweeper.sweep(self.runs.get(tenant, run_id))
        return self.runs.get(tenant, run_id)

    def fail(self, tenant: str, run_id: str, error: str) -> Run:
        """Pause the run and say why; people who were planned keep their letters. Raises NotFound."""
        try:
            return self.runs.pause(tenant, run_id, f"run_failed:{error[:100]}")
        except Conflict:
            return self.runs.get(tenant, run_id)


def wait_seconds(round_: int) -> int:
    """Seconds between looks: short at first, growing, so that a week of watching is two thousand looks."""
    return min(LONGEST_WAIT_SECONDS, int(_GROWTH ** min(round_, 40)))
