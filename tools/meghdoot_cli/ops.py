"""What ops do to a running deployment: stop and resume a tenant, redrive, say every no again after a restore."""

from __future__ import annotations

from collections.abc import Mapping

from meghdoot.wiring import redriving, restoring
from meghdoot.wiring.api import endpoint

_ACTOR = "command-line"


def stop_sending(tenant: str, reason: str) -> str:
    """Stop every message of a tenant. Raises NotFound, Invalid for the reason."""
    services = endpoint().services
    services.tenants.get(tenant)
    hold = services.sending.stop(tenant, _ACTOR, reason)
    services.access.record(tenant, _ACTOR, "sending.stop", tenant, detail=hold.cause)
    return f"{tenant} sends nothing since {hold.since:%Y-%m-%d %H:%M:%S} UTC: {hold.words}"


def resume_sending(tenant: str) -> str:
    """Let a tenant's messages go on. Raises NotFound, Conflict when nothing holds them back."""
    services = endpoint().services
    services.tenants.get(tenant)
    hold, runs = services.reputation.resume(tenant)
    services.access.record(tenant, _ACTOR, "sending.resume", tenant, detail=f"{hold.cause}, {runs} runs go on")
    return f"{tenant} sends again; {runs} runs go on where they stood"


_SAID = {
    "put_back": "put back", "unreadable": "left: not readable by this version", "unknown_run": "dropped: no such run",
    "run_over": "dropped: the run is over", "past_horizon": "dropped: older than what is known of doubles",
    "restored": "dropped: locked by a restore", "no_work": "dropped: nobody is left in it",
}  # fmt: skip


def redrive(queue: str) -> str:
    """Put the dead letters of a queue back, but for what is stale; answers the counts. Raises Unavailable, NotFound."""
    counts = redriving.service(queue).redrive()
    return "\n".join(f"{count:>8}  {_SAID[verdict]}" for verdict, count in counts.items()) or "nothing was given up"


def first_seal() -> int:
    """Seal a deployment that is older than seals; prints what was found, answers the exit code."""
    state = restoring.seals().first()
    print("restored tables are sealed by `meghdoot restore --replay-noes` only" if state == "foreign" else state)
    return 1 if state == "foreign" else 0


def restore(after: str | None, past_unreadable: bool) -> int:
    """Replay every no, lock the live runs and seal the tables; prints counts, answers the exit code."""
    done = restoring.restore(_page).replay(after, past_unreadable=past_unreadable)
    for name, count in sorted(done.counts.items()):
        print(f"{name:32} {count:>10}")
    for tenant, run_id in done.locked:
        print(f"locked, may only be cancelled: {tenant} {run_id}")
    for tenant, run_id in done.lost:
        print(f"began after the backup, ask the provider: {tenant} {run_id}")
    for name in done.unreadable:
        print(f"cannot be read: {name}")
    print(
        "sealed: senders may run" if done.sealed else "not sealed: senders stay stopped, see docs/runbooks/restore.md"
    )
    return 0 if done.sealed else 1


def _page(after: str, counts: Mapping[str, int]) -> None:
    print(f"{sum(n for name, n in counts.items() if ':' not in name)} lines so far; go on with --after {after}")
