"""A queue with the manners of SQS standard: at least once, in any order, with visibility timeouts and a dead-letter queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sim.faults import Weather
from tests.sim.scheduler import Scheduler, Worker

Handler = Callable[[Worker, list[Any]], list[int]]
"""Gets the bodies of a batch, answers the positions of those that failed."""
_LATENCY = 0.02
_LONG_DELAY = 5400.0


@dataclass(eq=False, slots=True)
class Message:
    """One message in the queue."""

    body: Any
    receives: int = 0
    deleted: bool = False


class Queue:
    """Messages, and the workers who take them."""

    def __init__(
        self, scheduler: Scheduler, weather: Weather, kind: str, handler: Handler, *, life: Callable[[], float],
        visibility: float, receives: int, concurrency: int, batch: int = 1, window: float = 0.0,
    ) -> None:  # fmt: skip
        self.scheduler, self.weather, self.kind, self.handler = scheduler, weather, kind, handler
        self.life, self.visibility, self.receives = life, visibility, receives
        self.free, self.batch, self.window = concurrency, batch, window
        self.gathering = False
        self.ready: deque[Message] = deque()
        self.dead: list[Message] = []
        self.kinds = weather.queue

    def put(self, body: Any, delay: float = 0.0) -> None:
        """Enqueue: the service may lose, double or delay it."""
        kind = self.weather.drawn(self.kinds, self.weather.some)
        chance = self.scheduler.chance
        if kind == "message_lost":
            return
        wait = delay + _LATENCY / (chance() + 0.001)
        if kind == "message_delayed":
            wait += chance() * _LONG_DELAY
        self._appear_in(Message(body), wait)
        if kind == "message_doubled":
            self._appear_in(Message(body), wait + (chance() if chance() < 0.7 else chance() * _LONG_DELAY))

    def redrive(self) -> None:
        """Bring back what went to the dead-letter queue."""
        back, self.dead = self.dead, []
        for message in back:
            self._appear_in(Message(message.body), self.scheduler.chance())

    def _appear_in(self, message: Message, seconds: float) -> None:
        self.scheduler.after(seconds, lambda: self._appear(message))

    def _appear(self, message: Message) -> None:
        if message.deleted:
            return
        if message.receives >= self.receives:
            message.deleted = True
            self.weather.happened["dead_letter"] += 1
            self.dead.append(message)
            return
        self.ready.append(message)
        if not self.window or len(self.ready) >= self.batch:
            self._begin()
        elif not self.gathering:
            # Few messages wait a moment for more, as the batching window of the service makes them.
            self.gathering = True
            self.scheduler.after(self.window * self.scheduler.chance(), self._gathered)

    def _gathered(self) -> None:
        self.gathering = False
        self._begin()

    def _begin(self) -> None:
        while self.ready and self.free:
            self.free -= 1
            taken = [self.ready.popleft() for _ in range(min(self.batch, len(self.ready)))]
            for message in taken:
                message.receives += 1
                self._appear_in(message, self.visibility)
            self.scheduler.spawn(self.kind, self.life(), lambda w, taken=taken: self._work(w, taken), self._ended)

    def _work(self, worker: Worker, taken: list[Message]) -> None:
        failed = set(self.handler(worker, [message.body for message in taken]))
        if self.weather.drawn(self.weather.ack, self.weather.some):
            return
        for number, message in enumerate(taken):
            message.deleted = number not in failed

    def _ended(self, _worker: Worker) -> None:
        self.free += 1
        self._begin()
