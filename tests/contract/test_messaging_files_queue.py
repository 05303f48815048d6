"""Audience files, the queue of chunks and the list of live runs, wherever they live."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.live_runs import DynamoLiveRuns
from meghdoot.adapters.memory.messaging import MemoryAudience, MemoryChunkQueue, MemoryLiveRuns
from meghdoot.adapters.objects.audience import ObjectAudience
from meghdoot.adapters.objects.store import S3Store
from meghdoot.adapters.queues import SqsChunkQueue, parse_ref
from meghdoot.areas.messaging.model import ChunkRef, Recipient
from meghdoot.areas.messaging.ports import Audience, ChunkQueue, LiveRuns
from meghdoot.kernel.errors import NotFound
from tests.contract.conftest import Substrate

PEOPLE = [
    Recipient(0, "c0", "রিতা@x.example", "bn", "Asia/Dhaka", {"first_name": "রিতা\u2028\n", "attributes": {"tier": 3}}),
    Recipient(1, "c1", None, "en", None, {}, "no_consent"),
]


@pytest.fixture
def audience(substrate: Substrate) -> Audience:
    if substrate.is_memory:
        return MemoryAudience()
    client = substrate.client("s3")
    client.create_bucket(Bucket="lake")
    return ObjectAudience(S3Store(client, "lake"))


def test_an_audience_is_read_back_whole_and_writing_it_again_is_fine(audience: Audience) -> None:
    ref = ChunkRef("t1", "r1", 7)
    for _ in range(2):
        audience.write(ref, PEOPLE)
    assert audience.read(ref) == PEOPLE
    with pytest.raises(NotFound):
        audience.read(ChunkRef("t1", "r1", 8))


@pytest.fixture
def queue(substrate: Substrate) -> tuple[ChunkQueue, Callable[[], list[ChunkRef]]]:
    if substrate.is_memory:
        memory = MemoryChunkQueue()
        return memory, memory.take
    client = substrate.client("sqs")
    url = client.create_queue(QueueName="chunks")["QueueUrl"]

    def received() -> list[ChunkRef]:
        found: list[ChunkRef] = []
        while batch := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found += [parse_ref(message["Body"]) for message in batch]
        return found

    return SqsChunkQueue(client, url), received


def test_every_reference_that_is_put_is_received(queue: tuple[ChunkQueue, Callable[[], list[ChunkRef]]]) -> None:
    refs = [ChunkRef("t1", "r1", n) for n in range(12)]
    queue[0].put(refs)
    queue[0].put([])
    assert sorted(ref.number for ref in queue[1]()) == list(range(12))


@pytest.fixture
def live(substrate: Substrate) -> LiveRuns:
    if substrate.is_memory:
        return MemoryLiveRuns()
    return DynamoLiveRuns(BotoCalls(substrate.client("dynamodb")), substrate.tables["work"])


def test_live_runs_are_noted_once_until_they_are_forgotten(live: LiveRuns) -> None:
    for tenant, run in [("t1", "r1"), ("t2", "r2"), ("t1", "r1")]:
        live.add(tenant, run)
    assert sorted(live.all()) == [("t1", "r1"), ("t2", "r2")]
    live.remove("t1", "r1")
    live.remove("t1", "r1")
    assert live.all() == [("t2", "r2")]
