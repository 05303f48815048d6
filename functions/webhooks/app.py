"""What providers post to us."""

from __future__ import annotations

from typing import Any

from meghdoot.wiring import webhooks


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers one request of API Gateway (REST, proxy integration)."""
    return webhooks.site().answer(event)
