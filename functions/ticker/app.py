"""By clock, once a minute: due launches, then the sweep. A lost tick costs a minute, nothing else."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from meghdoot.kernel.errors import AppError
from meghdoot.wiring import ticker

logger = Logger(service="ticker")
ENOUGH_MILLISECONDS = 15_000


def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Both are done whatever becomes of the other; a failure is told when both have had their turn."""
    failed: list[AppError] = []
    due = _tried(ticker.launch_due, failed)
    for outcome in due:
        logger.info("due", extra={"tenant": outcome.tenant, "id": outcome.id, "decision": outcome.decision})
    swept = _tried(lambda: ticker.sweep(lambda: context.get_remaining_time_in_millis() > ENOUGH_MILLISECONDS), failed)
    for run, what in swept:
        counts = {"enqueued": what.enqueued, "lifted": what.lifted, "unknown": what.unknown, "over": what.over}
        if what.unproven is not None:
            counts["unproven"] = what.unproven
        logger.info("swept", extra={"tenant": run.tenant, "run_id": run.id, **counts})
    if failed:
        raise failed[0]
    return {"due": len(due), "swept": len(swept)}


def _tried(job: Any, failed: list[AppError]) -> list[Any]:
    try:
        return list(job())
    except AppError as e:
        logger.error("a job of the tick failed", extra={"code": e.code})
        failed.append(e)
        return []
