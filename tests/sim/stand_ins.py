"""What stands in the simulated house in place of something: ids, older code, an ample pacer, the sender's queue."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meghdoot.adapters.memory.messaging import MemoryChunkQueue
from meghdoot.adapters.queues import ref_body
from meghdoot.areas.content.model import PersonLinks
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Demand, Lease
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.kernel.ids import uuid_text
from tests.sim import stores

if TYPE_CHECKING:
    from tests.sim.world import World

RATES = (2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 30.0, 200.0)


class Ids:
    """Ids that one seed makes again in the same order."""

    def __init__(self) -> None:
        self.made = 0

    def new(self) -> str:
        """The next id."""
        self.made += 1
        return uuid_text(self.made.to_bytes(16, "big"))


class OlderChunks(stores.Chunks):  # type: ignore[valid-type,misc]
    """Code from before `queued_until` and `expires_at`: it knows neither and writes neither."""

    def get(self, ref: ChunkRef) -> Chunk | None:
        chunk = super().get(ref)
        return None if chunk is None else replace(chunk, queued_until=0, expires_at=0)

    def mark(self, chunk: Chunk, lease_until: int) -> bool:
        return super().mark(replace(chunk, queued_until=0, expires_at=0), lease_until)


class OlderPacer:
    """Code that made waves of another size."""

    def __init__(self, pacer: Any, rate: float) -> None:
        self._pacer, self._rate = pacer, rate

    def rate(self, provider: str, identity: str) -> float:
        return self._rate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pacer, name)


class PlainMails(Mails):
    """Mails whose links are signed once for all: what stands in a mail is not what is simulated."""

    __slots__ = ()

    def _links(self, *_: Any, **__: Any) -> PersonLinks:
        return _LINKS


_LINKS = PersonLinks("https://m.example/c/x/", "https://m.example/o/x.gif", "https://m.example/u/x")


@dataclass(slots=True)
class AmplePacer:
    """A rate that nobody reaches: the real pacer is at work in some seeds only, since it thinks a lot."""

    granted: float

    def rate(self, provider: str, identity: str) -> float:
        """Still makes the waves small."""
        return self.granted

    def lease(self, demand: Demand, wanted: int, now: Any) -> Lease:
        """All slots, at once."""
        return Lease(wanted, slots=(0.0,) * wanted)

    def used(self, demand: Demand, unused: int, call_seconds: float | None, now: Any) -> None:
        """Nothing to learn."""

    def waits(self, demand: Demand, reason: Any, seconds: float, now: Any) -> None:
        """Nobody asks."""


class ChunkMessages(MemoryChunkQueue):
    """Puts real bodies into the simulated queue, now and then with fields that other code added."""

    def __init__(self, world: World) -> None:
        super().__init__(world.io, between=world.io)
        self.world = world

    @property
    def messages(self) -> Any:
        return self

    @messages.setter
    def messages(self, _value: Any) -> None:
        return

    def append(self, entry: tuple[ChunkRef, int]) -> None:
        """A message that was put."""
        ref, delay = entry
        body = ref_body(ref)
        if self.world.weather.drawn(("message_foreign",) if self.world.foreign else (), 0.05):
            body = json.dumps(
                json.loads(body) | {"hint": "later", "v": 1 if self.world.scheduler.chance() < 0.7 else 2}
            )
            if '"v": 2' in body:
                # A shape that this code does not know, beside the message that it does.
                self.world.chunk_queue.put(body)
                body = ref_body(ref)
        self.world.chunk_queue.put(body, delay)


@dataclass(eq=False, slots=True)
class Room:
    """A warm process of the sender."""

    service: SenderService
    skew: float


def build(cls: Any, ports: dict[str, Any]) -> Any:
    """A service from the ports that it names, whatever else there is."""
    return cls(**{name: ports[name] for name in cls.__dataclass_fields__ if name in ports})
