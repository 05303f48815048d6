"""By SQS: sends the people of one chunk."""

from __future__ import annotations

from typing import Any

from meghdoot.adapters.queues import parse_ref
from meghdoot.wiring import light, sender

MARGIN_SECONDS = 5.0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle each message; one that fails comes again, alone."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000 - MARGIN_SECONDS

    def send(body: str) -> None:
        ref = parse_ref(body)
        facts = {"tenant": ref.tenant, "run_id": ref.run_id, "chunk": ref.number}
        try:
            handled = sender.sender().handle(ref, remaining)
        except Exception as e:
            light.log("chunk_failed", {**facts, "error": type(e).__name__})
            raise
        light.log(handled.result, {**facts, "called": handled.called})

    return light.each_message(event, send)
