"""Many messages are recorded as one; where that fails, each stands for itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from meghdoot.adapters.email.receipt_batch import ReceiptBatch
from meghdoot.areas.messaging.model import OutboundEmail, SendRow
from meghdoot.kernel.errors import Malformed, Unavailable
from tests.support.killing import World


def body(mail: OutboundEmail) -> str:
    at = "2026-01-05T09:00:00.000Z"
    tags = {name: [value] for name, value in mail.tags.items()}
    told = {"timestamp": at, "messageId": "p", "source": mail.sender_email, "destination": [mail.to], "tags": tags}
    return json.dumps({"eventType": "Delivery", "mail": told, "delivery": {"timestamp": at, "recipients": [mail.to]}})


def sent(people: int) -> tuple[World, list[str]]:
    world = World(people)
    world.launch()
    world.drain()
    return world, [body(mail) for mail in world.provider.accepted]


def test_a_batch_is_recorded_by_one_write_of_rows() -> None:
    world, bodies = sent(30)
    written: list[int] = []
    born = world.rows.born
    world.rows.born = lambda rows: written.append(len(rows)) or born(rows)  # type: ignore[method-assign, func-returns-value]
    batch = ReceiptBatch(world.receipts, "memory")
    batch.together([*bodies, bodies[0]])
    for one in bodies:
        batch.tell(one)
    assert (written, batch.seen["born"], batch.trouble) == ([30], 30, "")


def test_030_a_message_that_cannot_be_read_fails_alone() -> None:
    world, bodies = sent(3)
    batch = ReceiptBatch(world.receipts, "memory")
    batch.together(["broken", *bodies])
    for one in bodies:
        batch.tell(one)
    with pytest.raises(Malformed):
        batch.tell("broken")
    assert len(world.rows.rows) == 3


def test_030_a_message_that_cannot_be_recorded_fails_alone() -> None:
    world, bodies = sent(3)
    born = world.rows.born

    def refusing(rows: Sequence[SendRow]) -> list[bool]:
        if any(row.customer_id == "c00001" for row in rows):
            raise Unavailable("no")
        return born(rows)

    world.rows.born = refusing  # type: ignore[method-assign]
    batch = ReceiptBatch(world.receipts, "memory")
    batch.together(bodies)
    assert (batch.trouble, len(world.rows.rows)) == ("Unavailable", 0)
    failed: list[Any] = []
    for one in bodies:
        try:
            batch.tell(one)
        except Unavailable:
            failed.append(one)
    assert (len(failed), len(world.rows.rows)) == (1, 2)


def test_what_is_of_no_use_is_counted_once() -> None:
    world, bodies = sent(1)
    opened = bodies[0].replace('"Delivery"', '"Open"')
    batch = ReceiptBatch(replace(world.receipts), "memory")
    batch.together([opened])
    batch.tell(opened)
    assert [name for name, count in batch.seen.items() if name.startswith("ignored") and count == 1] != []
