"""What was given up gets another try, but for what is stale: nobody is doubled, and nobody is sent an offer of last week."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from meghdoot.adapters.dead_letters import SqsDeadLetters
from meghdoot.adapters.memory.dead_letters import MemoryDeadLetters
from meghdoot.adapters.queues import parse_ref, ref_body
from meghdoot.areas.messaging.model import ChunkRef, Run
from meghdoot.areas.messaging.redriving import ChunkJudge, RedriveService, anything
from meghdoot.kernel.errors import NotFound
from tests.support.killing import TENANT, World


def judge(world: World) -> ChunkJudge:
    return ChunkJudge(world.runs, world.chunks, parse_ref, world.clock)


def given_up(world: World, letters: MemoryDeadLetters) -> ChunkRef:
    """The chunk's message was delivered in vain until the queue gave it up."""
    (ref,) = world.queue.take()
    letters.give_up(ref_body(ref))
    return ref


def redriven(world: World, letters: MemoryDeadLetters) -> dict[str, int]:
    return dict(RedriveService(letters, judge(world)).redrive())


def test_033_a_chunk_of_a_live_run_goes_back_and_its_people_are_sent_once() -> None:
    world, letters = World(30), MemoryDeadLetters()
    run = world.launch()
    given_up(world, letters)
    assert redriven(world, letters) == {"put_back": 1}
    (body,) = letters.sent
    for _ in range(2):
        world.deliver(parse_ref(body))
    assert set(world.accepted().values()) == {1}
    assert world.service.accounting(world.service.get(TENANT, run.id)) == {"accepted": 30}


def over(world: World, run: Run) -> None:
    world.deliver(ChunkRef(TENANT, run.id, 0))
    world.sweeper.sweep(world.service.get(TENANT, run.id))


def cancelled(world: World, run: Run) -> None:
    world.service.cancel(TENANT, run.id)


def a_week_later(world: World, _run: Run) -> None:
    world.clock.advance(days=8)


def gone(world: World, run: Run) -> None:
    world.runs.remove(TENANT, run.id)


def locked(world: World, run: Run) -> None:
    stored = world.service.get(TENANT, run.id)
    world.runs.replace(
        replace(stored, status="paused", pause_reason="restored", version=stored.version + 1), stored.version
    )


@pytest.mark.parametrize(
    ("happens", "verdict"),
    [
        (over, "run_over"),
        (cancelled, "run_over"),
        (a_week_later, "past_horizon"),
        (gone, "unknown_run"),
        (locked, "restored"),
    ],
)
def test_033_a_stale_chunk_is_refused_and_calls_nobody(happens: Any, verdict: str) -> None:
    world, letters = World(30), MemoryDeadLetters()
    run = world.launch()
    given_up(world, letters)
    happens(world, run)
    calls = world.provider.calls
    assert redriven(world, letters) == {verdict: 1}
    assert letters.sent == []
    assert letters.waiting == {}
    assert world.provider.calls == calls


def test_033_a_chunk_without_work_is_dropped_while_its_run_goes_on() -> None:
    world, letters = World(60, slices=2), MemoryDeadLetters()
    world.launch()
    first, _second = world.queue.take()
    letters.give_up(ref_body(first))
    world.deliver(first)
    assert redriven(world, letters) == {"no_work": 1}


def test_033_a_message_of_a_newer_shape_stays_for_code_that_knows_it() -> None:
    world, letters = World(1), MemoryDeadLetters()
    letters.give_up(json.dumps({"v": 9}), "no json")
    assert redriven(world, letters) == {"unreadable": 2}
    assert len(letters.waiting) == 2


def test_facts_and_events_go_back_whatever_their_age() -> None:
    letters = MemoryDeadLetters()
    letters.give_up(*(f"fact {n}" for n in range(25)))
    assert RedriveService(letters, anything).redrive() == {"put_back": 25}
    assert sorted(letters.sent) == sorted(f"fact {n}" for n in range(25))


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


def test_033_on_sqs_the_stale_are_deleted_and_the_rest_goes_back_to_its_queue(sqs: Any) -> None:
    world = World(60, slices=2)
    world.launch()
    first, second = world.queue.take()
    dead = sqs.create_queue(QueueName="chunks-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    url = sqs.create_queue(QueueName="chunks", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    bodies = [ref_body(first), ref_body(second), ref_body(ChunkRef("other", "none", 1)), "no json"]
    for body in bodies:
        sqs.send_message(QueueUrl=dead, MessageBody=body)
    counts = RedriveService(SqsDeadLetters(sqs, url), judge(world)).redrive()
    assert counts == {"put_back": 2, "unknown_run": 1, "unreadable": 1}
    back = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(m["Body"] for m in back) == sorted(bodies[:2])
    left = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "1")


def test_a_queue_without_dead_letters_is_named(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="alone")["QueueUrl"]
    with pytest.raises(NotFound):
        RedriveService(SqsDeadLetters(sqs, url), anything).redrive()
