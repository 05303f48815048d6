"""What happens once a minute: the guard, launches that are due, and the walk over the runs that are not over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from meghdoot.areas.analytics.reputation import ReputationWatch, Standing
from meghdoot.areas.campaigns.due import DueOutcome, DueService
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.sweeper import Swept
from meghdoot.kernel.clock import iso
from meghdoot.wiring import aws, campaign_run, messaging, restoring, singles


def guard() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Seal a new deployment, and watch what becomes of mails. Yields what somebody should read: a decision and its facts."""
    seal = restoring.seals().begin()
    if seal != "intact":
        yield "seal", {"decision": seal}
    for standing, stopped in ReputationWatch(campaign_run.services().reputation, messaging.live()).watch():
        if stopped or _is_told(aws.clock().now()):
            yield "reputation", _told(standing, stopped)


def _is_told(now: datetime) -> bool:
    # A rate that stays too high is told four times an hour, not with every tick.
    return now.minute % 15 == 0


def _told(standing: Standing, stopped: bool) -> dict[str, Any]:
    sums, verdict = standing.sums, standing.verdict
    return {
        "tenant": standing.tenant, "decision": "stopped" if stopped else verdict.state, "cause": verdict.cause,
        "bounce_rate": sums.bounce_rate, "complaint_rate": sums.complaint_rate, "answered": sums.answered,
    }  # fmt: skip


def sweep_singles(may_go_on: Callable[[], bool]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Look after the single messages that are due. Yields a line where one had to be woken or remains in doubt."""
    swept = singles.sweeper().sweep(may_go_on)
    if swept.enqueued or swept.in_doubt:
        yield "swept singles", asdict(swept)


def pace() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Ask what the provider grants, and look for runs that wait. Yields a line for a new grant and for each that waits."""
    reading = messaging.grants().refresh()
    if reading is not None and (reading.read_at < reading.switch_at or not reading.sending_enabled):
        facts = {"rate": reading.rate, "quota": reading.max_24h, "sandbox": reading.in_sandbox}
        yield "granted", {**facts, "decision": "go" if reading.sending_enabled else "sending is disabled"}
    for run, stall in messaging.stalls().stalled():
        waits = {"decision": stall.reason, "since": iso(stall.since), "until": iso(stall.until)}
        yield "stalled", {"tenant": run.tenant, "run_id": run.id, **waits}


def launch_due() -> list[DueOutcome]:
    """Handle the timers that are due; one that cannot be handled now stays."""
    return DueService(campaign_run.services().campaigns).launch_due(aws.clock().now())


def sweep(may_go_on: Callable[[], bool]) -> list[tuple[Run, Swept]]:
    """Sweep, and let the campaigns follow runs that are over or were stopped, in case their machine has failed."""
    swept = messaging.sweeper().sweep_all(may_go_on)
    for run, what in swept:
        if what.over or run.status == "paused":
            current = messaging.runs().get(run.tenant, run.id)
            campaign_run.follower().follow(current or run)
    return swept
