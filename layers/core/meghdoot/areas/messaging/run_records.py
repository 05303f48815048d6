"""Changing a stored run while others change it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.ports import Runs
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import NotFound, Stale

_TRIES = 8


def stored_run(runs: Runs, tenant: str, run_id: str) -> Run:
    """The run. Raises NotFound."""
    run = runs.get(tenant, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


def change_run(runs: Runs, clock: Clock, tenant: str, run_id: str, change: Callable[[Run], Run]) -> Run:
    """Apply a change to the newest version, again when somebody else was faster; a change that changes nothing is not stored.

    Raises NotFound, whatever `change` raises, and Stale when others were faster eight times.
    """
    for _ in range(_TRIES):
        run = stored_run(runs, tenant, run_id)
        changed = change(run)
        if changed == run:
            return run
        changed = replace(changed, version=run.version + 1, updated_at=clock.now())
        try:
            runs.replace(changed, run.version)
        except Stale:
            continue
        return changed
    raise Stale(f"run {run_id} is changed by too many at once")
