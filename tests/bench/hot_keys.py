"""A deployment at full speed in virtual time, over a metered account that remembers when which key was written.

Some seventy senders make 5,000 calls a second, many of each under way; ten readers of the queue record 2,000 events
a second; and the reader of the stream counts what both have written, shard by shard. Adapters are the real ones.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from meghdoot.adapters.dynamodb.chunks import DynamoChunks
from meghdoot.adapters.dynamodb.counters import DynamoCounters
from meghdoot.adapters.dynamodb.evidence import DynamoEvidence
from meghdoot.adapters.dynamodb.gates import DynamoGates
from meghdoot.adapters.dynamodb.holding import DynamoRunWatch
from meghdoot.adapters.dynamodb.light_records import LightRecords
from meghdoot.adapters.dynamodb.pacer import DynamoRateBook, DynamoReadings, DynamoStalls, DynamoTallies
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.streams import activity_batch
from meghdoot.adapters.memory.holding import MemorySeal
from meghdoot.adapters.memory.tenants import MemoryIdentityOwners
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.areas.consent.model import gate_code
from meghdoot.areas.messaging.announcing import AnnouncingQueue
from meghdoot.areas.messaging.model import Fact, OutboundEmail, Outcome, Run
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.areas.messaging.sender import SenderService
from meghdoot.areas.messaging.slots import SlotPacer
from meghdoot.kernel.ids import SystemIds
from meghdoot.wiring.sender import CALLS_AT_ONCE
from tests.bench.aws_meter import AwsMeter
from tests.bench.metered_run import _record, mapping
from tests.bench.virtual_senders import ACCEPT, LINE, Senders, Timeline
from tests.bench.wire_meter import Item
from tests.support.killing import Suppressed, address_key

SHARDS = 4
READERS = 10
DEFINITIONS, PEOPLE, ACTIVITY, WORK = (f"w-{name}" for name in ("definitions", "people", "activity", "work"))


@dataclass
class VirtualCall:
    """A provider's call in a process of its own."""

    time: Timeline
    outcome: Outcome | None = None

    def done(self) -> bool:
        """Whether it came back."""
        return self.outcome is not None

    def result(self) -> Outcome:
        """Wait for it."""
        while self.outcome is None:
            self.time.sleep(0.001)
        return self.outcome


@dataclass
class VirtualRunway:
    """So many calls side by side, as threads would make them."""

    time: Timeline
    at_once: int = CALLS_AT_ONCE

    def start(self, call: Callable[[], Outcome]) -> VirtualCall:
        """Begin a call."""
        made = VirtualCall(self.time)

        def fly() -> None:
            made.outcome = call()

        self.time.start(fly, at=self.time.at)
        return made


@dataclass
class FullSpeed(Senders):
    """The senders, the readers of events, and what every key took in every second."""

    throttled: float = 0.0
    meter: AwsMeter = field(default_factory=AwsMeter)
    keys: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    records: list[Item] = field(default_factory=list)
    facts: deque[Fact] = field(default_factory=deque)
    recorded: int = 0

    def __post_init__(self) -> None:
        self._tap()
        super().__post_init__()
        self.book = DynamoRateBook(self.timed, WORK)  # type: ignore[assignment]

    def _tap(self) -> None:
        written = self.meter.dynamo.was_written

        def kept(what: str, table: str, before: Item | None, after: Item | None, factor: int) -> None:
            written(what, table, before, after, factor)
            item = after or before
            if item is None:
                return
            self.keys[table, item["pk"]["S"], item["sk"]["S"], int(self.time.at)] += 1
            if table == ACTIVITY and before != after:
                self.records.append(_record(len(self.records), self.time.now(), before, after))

        self.meter.dynamo.was_written = kept  # type: ignore[method-assign]

    def timed(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """`Calls`, each of which takes its time."""
        self.time.sleep(self.random.uniform(*self.latency.store))
        return self.meter.dynamo(operation, payload)

    def send(self, mail: OutboundEmail) -> Outcome:
        """The provider; its event is there at once."""
        self.calls.append((self.time.at, mail.tags["tenant"]))
        self.time.sleep(self.random.uniform(*self.latency.call))
        now, tags = self.time.now(), mail.tags
        self.facts.append(
            Fact(
                "ses", "delivered", now, f"d-{tags['key']}", accepted_at=now, tenant=tags["tenant"], run_id=tags["run"],
                chunk=int(tags["chunk"]), index=int(tags["index"]), customer_id=tags["customer"], send_key=tags["key"],
                minute=tags["minute"], address=mail.to,
            )
        )  # fmt: skip
        return ACCEPT

    def _sender(self, number: int) -> SenderService:
        calls, clock = self.timed, self.time
        book = DynamoRateBook(calls, WORK)
        pacer = SlotPacer(
            book, DynamoTallies(calls, WORK), DynamoReadings(calls, WORK), DynamoStalls(calls, WORK), self.rate,
            lambda: f"w{number}",
        )  # fmt: skip
        return SenderService(
            LightRecords(calls, DEFINITIONS, Run, "run", lambda run: run.status), DynamoChunks(calls, ACTIVITY),
            self.audience, DynamoGates(calls, PEOPLE, consistent=False), AnnouncingQueue(self.queue, book, LINE, clock),  # type: ignore[arg-type]
            self, pacer, self.mails, Suppressed(self.gates), address_key, clock,  # type: ignore[arg-type]
            SystemIds(clock, self.random.randbytes), self.time.sleep, self.random.random,  # type: ignore[arg-type]
            DynamoRunWatch(calls, DEFINITIONS), MemorySeal(), VirtualRunway(self.time),
        )  # fmt: skip

    def _worker(self, number: int) -> Callable[[], None]:
        sender = self._sender(number)

        def work() -> None:
            while True:
                self.time.sleep(self.random.uniform(*self.latency.queue))
                ref = self.queue.take()
                if ref is not None:
                    end = self.time.at + 300
                    sender.handle(ref, lambda end=end: end - self.time.at)  # type: ignore[misc]
                    self.queue.in_flight[ref.tenant] -= 1

        return work

    def stored(self, tenant: str) -> None:
        """What `launch` left in memory, in the tables."""
        calls = self.meter.dynamo
        run = self.runs.get(tenant, f"run-{tenant}")
        assert run is not None
        LightRecords(calls, DEFINITIONS, Run, "run", lambda run: run.status).add(run)
        for chunk in self.chunks.items.values():
            DynamoChunks(calls, ACTIVITY).create(chunk)
            for person in self.audience.files[chunk.ref]:
                gate = {
                    "pk": {"S": f"{tenant}#C#{person.customer_id}"}, "sk": {"S": "GATE"}, "v": {"N": "1"},
                    "c": {"SS": [gate_code("email", "marketing")]}, "z": {"S": "Asia/Dhaka"},
                }  # fmt: skip
                calls.put(PEOPLE, gate)

    def read_events(self, a_second: float) -> None:
        """Start the readers of the queue: batches as the mapping makes them, as many as the rate fills."""
        settings = mapping("ReceiptsFunction", "SQS", "Queue")
        window = settings["MaximumBatchingWindowInSeconds"]
        batch = round(min(settings["BatchSize"], a_second * window / READERS))
        for number in range(READERS):
            self.time.start(self._reader(batch, READERS * batch / a_second), at=1 + number * batch / a_second)

    def _reader(self, batch: int, every: float) -> Callable[[], None]:
        service = ReceiptService(
            DynamoSendRows(self.timed, ACTIVITY), Suppressed(self.gates), address_key, MemoryIdentityOwners(),
            DynamoEvidence(self.timed, WORK), _NoSoftBounces(),  # type: ignore[arg-type]
        )  # fmt: skip

        def read() -> None:
            while True:
                began = self.time.at
                facts = [self.facts.popleft() for _ in range(min(batch, len(self.facts)))]
                service.record(facts)
                self.recorded += len(facts)
                self.time.sleep(max(0.0, began + every - self.time.at))

        return read

    def count_stream(self) -> None:
        """Count what was written, shard by shard, in batches as the mapping makes them, each at its last record's second."""
        size = mapping("CountersFunction", "DynamoDB", "Activity")["BatchSize"]
        service = CounterService(DynamoCounters(self.meter.dynamo, WORK))
        for shard in range(SHARDS):
            mine = [r for r in self.records if crc32(r["dynamodb"]["Keys"]["pk"]["S"].encode()) % SHARDS == shard]
            for start in range(0, len(mine), size):
                part = mine[start : start + size]
                self.time.at = _second(part[-1])
                event = {"Records": part, "shardId": f"shard-{shard}", "eventSourceARN": part[0]["eventSourceARN"]}
                batch = activity_batch(event)
                assert not service.count(batch.stream, batch.shard, batch.changes)

    def hottest(self, begin: int, end: int) -> dict[str, int]:
        """The most writes that one key took in a second, by what kind of item it is."""
        found: dict[str, int] = {}
        for (table, pk, sk, second), count in self.keys.items():
            if begin <= second < end:
                name = _kind(table, pk, sk)
                found[name] = max(found.get(name, 0), count)
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))


class _NoSoftBounces:
    """Nothing bounces here."""

    def told(self, *_args: Any, **_more: Any) -> int:
        return 0

    record = take = note = told


def _second(record: Item) -> float:
    from tests.bench.virtual_senders import START

    return float(record["dynamodb"]["ApproximateCreationDateTime"]) - START.timestamp()


def _kind(table: str, pk: str, sk: str) -> str:
    if table == PEOPLE:
        return "gate"
    if table == ACTIVITY:
        return "chunk" if sk == "CHUNK" else "row"
    names = {
        "RATE": "slots of the rate",
        "EVID": "watermark of events",
        "#N#": "counter",
        "LIMIT": "limit",
        "WAIT": "waiting",
    }
    return next((name for part, name in names.items() if part in pk), f"work {pk.split('#')[0][:24]}")
