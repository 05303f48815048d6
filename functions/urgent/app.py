"""By SQS: sends single messages. Their queue is their own, so that nobody waits behind a campaign for a code."""

from __future__ import annotations

from typing import Any

from meghdoot.adapters.queues import parse_single
from meghdoot.wiring import light, urgent

MARGIN_SECONDS = 3.0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle each message; one that fails comes again, alone."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000 - MARGIN_SECONDS

    def send(body: str) -> None:
        ref = parse_single(body)
        facts = {"tenant": ref.tenant, "message_id": ref.message_id}
        try:
            handled = urgent.sender().handle(ref, remaining)
        except Exception as e:
            light.log("message_failed", {**facts, "error": type(e).__name__})
            raise
        light.log(handled, facts)

    return light.each_message(event, send)
