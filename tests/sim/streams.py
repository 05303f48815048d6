"""Table `activity`'s stream: records in order within a shard, read by two functions that repeat batches in other cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zlib import crc32

from meghdoot.adapters.dynamodb import keys
from meghdoot.areas.messaging.model import RANKS, SendRow, Touch
from meghdoot.kernel.clock import iso
from tests.sim.faults import Weather
from tests.sim.scheduler import Scheduler, Worker

Records = Sequence[Mapping[str, Any]]
Reader = Callable[[str, Records], None]
"""Gets the shard and a batch; whatever it raises brings the batch back."""
_LIFE = 60.0
_WINDOW = 8.0
_LONG_WINDOW = 300.0
_MOST = 12
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/activity/stream/2026"


def _image(row: SendRow) -> dict[str, Any]:
    return {
        "st": {"S": row.state},
        "rk": {"N": str(RANKS[row.state])},
        "run": {"S": row.run_id},
        "at": {"S": iso(row.at)},
    }


class Stream:
    """The shards, and who reads them."""

    def __init__(self, scheduler: Scheduler, weather: Weather, shards: int) -> None:
        self.scheduler, self.weather = scheduler, weather
        self.shards: list[list[Mapping[str, Any]]] = [[] for _ in range(shards)]
        self.mappings: list[ShardReader] = []
        self.sequence = 0

    def read_by(self, kind: str, reader: Reader) -> None:
        """A function with an iterator on each shard."""
        self.mappings += [ShardReader(self, kind, reader, number) for number in range(len(self.shards))]

    def row(self, old: SendRow | None, new: SendRow) -> None:
        """A send row was born or climbed."""
        pk, sk = keys.customer_pk(new.tenant, new.customer_id), keys.send_sk(new.minute, new.send_key)
        self._append(new.customer_id, pk, sk, None if old is None else _image(old), _image(new))

    def touch(self, touch: Touch) -> None:
        """A touch was kept for the first time."""
        pk = keys.customer_pk(touch.tenant, touch.customer_id)
        sk = keys.touch_sk(touch.send_key, touch.kind, touch.link)
        image = {"run": {"S": touch.run_id}, "tk": {"S": touch.kind}, "at": {"S": iso(touch.at)}}
        self._append(touch.customer_id, pk, sk, None, image)

    def _append(self, customer: str, pk: str, sk: str, old: Any, new: Any) -> None:
        self.sequence += 1
        change = {
            "ApproximateCreationDateTime": self.scheduler.now, "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
            "SequenceNumber": str(self.sequence), "NewImage": new,
        }  # fmt: skip
        if old is not None:
            change["OldImage"] = old
        record = {"eventName": "INSERT" if old is None else "MODIFY", "eventSourceARN": ARN, "dynamodb": change}
        shard = crc32(customer.encode()) % len(self.shards)
        self.shards[shard].append(record)
        for mapping in self.mappings:
            if mapping.shard == shard:
                mapping.kick()


class ShardReader:
    """One function's iterator on one shard: a batch at a time, in order, again until it succeeds."""

    def __init__(self, stream: Stream, kind: str, reader: Reader, shard: int) -> None:
        self.stream, self.kind, self.reader, self.shard = stream, kind, reader, shard
        self.position = 0
        self.most = _MOST
        self.busy = False

    def kick(self) -> None:
        """There is something to read."""
        if not self.busy:
            self.busy = True
            chance = self.stream.scheduler.chance
            self.stream.scheduler.after(chance() * (_WINDOW if chance() < 0.8 else _LONG_WINDOW), self._begin)

    def _begin(self) -> None:
        self.stream.scheduler.spawn(self.kind, _LIFE, self._work, self._ended)

    def _work(self, _worker: Worker) -> None:
        stream = self.stream
        kind = stream.weather.drawn(stream.weather.stream, stream.weather.some)
        most = 1 if kind == "batch_cut" else self.most
        batch = stream.shards[self.shard][self.position : self.position + most]
        self.reader(f"shard-{self.shard}", batch)
        if kind != "batch_repeated":
            self.position += len(batch)

    def _ended(self, worker: Worker) -> None:
        self.busy = False
        # A batch that failed comes again in halves.
        self.most = max(1, self.most // 2) if worker.error is not None else _MOST
        if self.position < len(self.stream.shards[self.shard]):
            self.kick()
