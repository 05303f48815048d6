"""The steps of the machine campaign_run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from meghdoot.kernel.errors import Malformed
from meghdoot.wiring import campaign_run

logger = Logger(service="campaign-run")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """`{"op": "plan" | "check" | "close" | "fail", "tenant", "run_id", ...}`; every step may be repeated."""
    op, tenant, run_id = event.get("op"), event["tenant"], event["run_id"]
    steps = campaign_run.steps()
    answer: dict[str, Any] = {}
    if op == "plan":
        answer = {"next_slice": steps.plan(tenant, run_id, event["slice"])}
    elif op == "check":
        checked = steps.check(tenant, run_id, event.get("round", 0))
        answer = {"done": checked.done, "wait_seconds": checked.wait_seconds, "round": checked.round}
    elif op == "close":
        answer = {"status": campaign_run.closed(steps.close(tenant, run_id))}
    elif op == "fail":
        answer = {"status": steps.fail(tenant, run_id, str(event.get("error", "unknown"))).status}
    else:
        raise Malformed("the step is plan, check, close or fail", code="unknown_step")
    logger.info("step", extra={"tenant": tenant, "run_id": run_id, "op": op, **answer})
    return answer
