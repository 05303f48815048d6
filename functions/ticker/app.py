"""By clock, once a minute: the guard, the pace, single messages, due launches, the sweep. A lost tick costs a minute."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from meghdoot.kernel.errors import AppError
from meghdoot.wiring import ticker

logger = Logger(service="ticker")
ENOUGH_MILLISECONDS = 15_000


def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Each is done whatever becomes of the others; a failure is told when all have had their turn."""
    failed, more = list[AppError](), lambda: context.get_remaining_time_in_millis() > ENOUGH_MILLISECONDS
    for job in (ticker.guard, ticker.pace, lambda: ticker.sweep_singles(more)):
        for told, facts in _tried(job, failed):
            logger.warning(told, extra=facts)
    for outcome in (due := _tried(ticker.launch_due, failed)):
        logger.info("due", extra={"tenant": outcome.tenant, "id": outcome.id, "decision": outcome.decision})
    swept = _tried(lambda: ticker.sweep(more), failed)
    for run, what in swept:
        logger.info("swept", extra={"tenant": run.tenant, "run_id": run.id, **asdict(what)})
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
