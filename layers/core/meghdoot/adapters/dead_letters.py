"""Dead letters on SQS: the queue beside a queue, named by its redrive policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from meghdoot.areas.messaging.redriving import DeadLetter
from meghdoot.kernel.errors import NotFound, Unavailable

_HIDDEN_SECONDS = 900
"""Longer than a redrive takes: what cannot be read is seen once in it."""


class SqsDeadLetters:
    """`url` is that of the queue the messages came from."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    @cached_property
    def _dead(self) -> str:
        with _answered():
            found = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["RedrivePolicy"])
            policy = json.loads(found.get("Attributes", {}).get("RedrivePolicy", "{}"))
            if "deadLetterTargetArn" not in policy:
                raise NotFound("this queue has no queue of dead letters", code="no_dead_letters")
            name = policy["deadLetterTargetArn"].rpartition(":")[2]
            return str(self._client.get_queue_url(QueueName=name)["QueueUrl"])

    def take(self) -> list[DeadLetter]:
        with _answered():
            found = self._client.receive_message(
                QueueUrl=self._dead, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=_HIDDEN_SECONDS,
                AttributeNames=["All"],
            )  # fmt: skip
        return [
            DeadLetter(m["Body"], m["ReceiptHandle"], m.get("Attributes", {}).get("MessageGroupId"))
            for m in found.get("Messages", [])
        ]

    def put_back(self, letter: DeadLetter) -> None:
        group = {} if letter.group is None else {"MessageGroupId": letter.group}
        with _answered():
            self._client.send_message(QueueUrl=self._url, MessageBody=letter.body, **group)
        self.drop(letter)

    def drop(self, letter: DeadLetter) -> None:
        with _answered():
            self._client.delete_message(QueueUrl=self._dead, ReceiptHandle=letter.handle)


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as e:
        raise Unavailable("the queue does not answer") from e
