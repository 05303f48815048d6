"""Calls side by side, each in a thread: they wait for a network, and need no processor meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from meghdoot.areas.messaging.model import Outcome


class ThreadRunway:
    """So many threads as may be under way at once, kept for the life of the process."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="call")

    def start(self, call: Callable[[], Outcome]) -> Future[Outcome]:
        """Begin a call."""
        return self._threads.submit(call)
