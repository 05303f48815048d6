"""Pixels, numbered links and unsubscribe pages: what recipients reach."""

from __future__ import annotations

from typing import Any

from meghdoot.wiring import public


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers one request of API Gateway (REST, proxy integration)."""
    return public.site().answer(event)
