"""Tenants whose chunks were queued are announced to busy senders: once in a while, and before anything is queued."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from meghdoot.adapters.memory.messaging import MemoryChunkQueue
from meghdoot.adapters.memory.pacer import MemoryRateBook
from meghdoot.areas.messaging.announcing import AnnouncingQueue
from meghdoot.areas.messaging.model import ChunkRef
from meghdoot.areas.messaging.rules import sharing
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Unavailable

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
REFS = [ChunkRef("t1", "r", n) for n in range(3)] + [ChunkRef("t2", "r", 0)]


def a_queue() -> tuple[AnnouncingQueue, MemoryChunkQueue, MemoryRateBook, ManualClock]:
    queue, book, clock = MemoryChunkQueue(), MemoryRateBook(), ManualClock(NOW)
    return AnnouncingQueue(queue, book, "ses#account", clock), queue, book, clock


def test_each_tenant_is_announced_once_in_two_minutes() -> None:
    announcing, queue, book, clock = a_queue()
    told: list[str] = []
    book.io = told.append
    for _ in range(3):
        announcing.put(REFS)
    assert told.count("after say who waits") == 2
    assert {sharing.waiting_tenant(word) for word in book.words["ses#account"]} == {
        sharing.digest("t1"), sharing.digest("t2"),
    }  # fmt: skip
    assert len(queue.messages) == 12
    clock.advance(seconds=120)
    announcing.put(REFS[:1])
    assert told.count("after say who waits") == 3


def test_what_is_to_wait_announces_nobody() -> None:
    announcing, queue, book, _ = a_queue()
    announcing.put(REFS, delay_seconds=60)
    assert book.words == {}
    assert len(queue.messages) == 4


def test_a_word_that_cannot_be_written_leaves_nothing_in_the_queue() -> None:
    announcing, queue, book, _ = a_queue()

    def broken(_name: str) -> None:
        raise Unavailable("the database does not answer")

    book.io = broken
    with pytest.raises(Unavailable):
        announcing.put(REFS)
    assert queue.messages == []
