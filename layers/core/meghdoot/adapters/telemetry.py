"""Traces. One subsegment a request by the X-Ray SDK where its daemon is; nothing at all elsewhere.

The SDK is in maintenance (OpenTelemetry follows it), so nothing but this file knows it, and it is imported only where a
daemon listens: its import costs some hundred milliseconds.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Telemetry(Protocol):
    """Measures what happens inside a `with`."""

    def segment(self, name: str) -> AbstractContextManager[object]:
        """Times a piece of work under a name that holds no personal data."""
        ...


class NoTelemetry:
    """Measures nothing: tests and the local stack."""

    def segment(self, name: str) -> AbstractContextManager[object]:
        """Does nothing."""
        return nullcontext()


class XRay:
    """Subsegments of the segment that Lambda has opened."""

    def segment(self, name: str) -> AbstractContextManager[object]:
        """A subsegment; X-Ray takes at most 200 of letters, digits, spaces and `_.:/%&#=+\\-@`."""
        from aws_xray_sdk.core import xray_recorder

        allowed = "".join(ch if ch.isalnum() or ch in " _.:/%&#=+\\-@" else "_" for ch in name)
        return xray_recorder.in_subsegment(allowed[:200])


def telemetry(daemon_address: str | None) -> Telemetry:
    """X-Ray where the address of its daemon is known, else nothing."""
    return XRay() if daemon_address else NoTelemetry()
