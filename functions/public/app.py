"""Pixels, numbered links and unsubscribe pages: what recipients reach."""

from __future__ import annotations

from typing import Any

from meghdoot.wiring import public


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers one request: of the gateway, or of the function's own address."""
    return public.site().answer(event)
