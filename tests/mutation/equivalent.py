"""Mutations that change nothing that anybody can see, and why."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
