"""Deterministic interleaving: at every I/O a seeded choice says which worker goes on. One runs at a time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable


class Turns:
    """Runs workers on threads that hand a baton; `switch` is called at each I/O."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._waiting: dict[int, threading.Semaphore] = {}
        self._me = threading.local()
        self._done = threading.Event()
        self.errors: list[BaseException] = []

    def switch(self, _name: str = "") -> None:
        """Let somebody go on, perhaps oneself. Outside of a worker nothing happens."""
        me = getattr(self._me, "number", None)
        if me is None:
            return
        chosen = self._choose()
        if chosen != me:
            self._waiting[chosen].release()
            self._waiting[me].acquire()

    def run(self, workers: list[Callable[[], None]]) -> None:
        """Run all of them to their end; raises the first error that is no end of a process."""
        threads = []
        for number, work in enumerate(workers):
            self._waiting[number] = threading.Semaphore(0)
            threads.append(threading.Thread(target=self._body, args=(number, work), daemon=True))
        for thread in threads:
            thread.start()
        self._waiting[self._choose()].release()
        if not self._done.wait(timeout=60):
            raise AssertionError("the workers stand still")
        if self.errors:
            raise self.errors[0]

    def _choose(self) -> int:
        return self.chance.choice(sorted(self._waiting))

    def _body(self, number: int, work: Callable[[], None]) -> None:
        self._me.number = number
        self._waiting[number].acquire()
        try:
            work()
        except BaseException as e:
            self.errors.append(e)
        del self._waiting[number]
        if self._waiting:
            self._waiting[self._choose()].release()
        else:
            self._done.set()
