"""Queues on SQS. A message names what wants work; its group is the tenant, so that quiet tenants overtake noisy ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import sleep
from typing import Any

from meghdoot.areas.messaging.model import ChunkRef
from meghdoot.areas.messaging.singles.model import SingleRef
from meghdoot.kernel.errors import AppError, Malformed, Unavailable

SHAPE = 1
_ENTRIES = 10
_ROUNDS = 6
_FIRST_PAUSE = 0.05
_MAX_DELAY = 900


class _Entries:
    """Messages by tens; those that the service refuses are sent again until all are in."""

    def __init__(self, client: Any, url: str, groups: bool, pause: Callable[[float], None]) -> None:
        self._client = client
        self._url = url
        self._groups = groups
        self._pause = pause

    def put_all(self, messages: Sequence[tuple[str, str]], delay_seconds: int) -> None:
        """Messages as (tenant, body). Raises Unavailable."""
        for start in range(0, len(messages), _ENTRIES):
            self._put(messages[start : start + _ENTRIES], min(delay_seconds, _MAX_DELAY))

    def _put(self, messages: Sequence[tuple[str, str]], delay: int) -> None:
        waiting = {str(n): self._entry(str(n), *message, delay) for n, message in enumerate(messages)}
        for round_ in range(_ROUNDS):
            if round_:
                self._pause(_FIRST_PAUSE * 2**round_)
            with _translated():
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=list(waiting.values()))
            for done in answer.get("Successful", []):
                waiting.pop(done["Id"], None)
            if not waiting:
                return
        raise Unavailable("the queue refuses messages")

    def _entry(self, entry_id: str, tenant: str, body: str, delay: int) -> dict[str, Any]:
        entry: dict[str, Any] = {"Id": entry_id, "MessageBody": body, "DelaySeconds": delay}
        if self._groups:
            entry["MessageGroupId"] = tenant
        return entry


class SqsChunkQueue(_Entries):
    """Chunk references. `groups` is off for a substrate that knows groups on FIFO queues only."""

    def __init__(self, client: Any, url: str, *, groups: bool = True, pause: Callable[[float], None] = sleep) -> None:
        super().__init__(client, url, groups, pause)

    def put(self, refs: Sequence[ChunkRef], *, delay_seconds: int = 0) -> None:
        self.put_all([(ref.tenant, ref_body(ref)) for ref in refs], delay_seconds)


class SqsUrgentQueue(_Entries):
    """References of single messages, on a queue of their own: nobody waits behind a campaign for a code."""

    def __init__(self, client: Any, url: str, *, groups: bool = True, pause: Callable[[float], None] = sleep) -> None:
        super().__init__(client, url, groups, pause)

    def put(self, refs: Sequence[SingleRef], *, delay_seconds: int = 0) -> None:
        self.put_all([(ref.tenant, single_body(ref)) for ref in refs], delay_seconds)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except AppError:
        raise
    except Exception as e:
        # Only boto3's client raises these, so only where it is loaded can they be met.
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(e, ClientError | BotoCoreError):
            raise Unavailable("the queue does not answer") from e
        raise


def ref_body(ref: ChunkRef) -> str:
    """The body of a chunk's message."""
    return json.dumps({"v": SHAPE, "tenant": ref.tenant, "run_id": ref.run_id, "number": ref.number})


def parse_ref(body: str) -> ChunkRef:
    """The chunk that a message names; fields that a newer version added are passed over.

    Raises Malformed for another shape: such a message waits in the dead-letter queue until code that knows it runs.
    """
    try:
        data = json.loads(body)
        if data["v"] != SHAPE:
            raise Malformed(f"this code does not know messages of shape {data['v']}", code="unknown_shape")
        tenant, run_id, number = data["tenant"], data["run_id"], data["number"]
    except (ValueError, KeyError, TypeError) as e:
        raise Malformed("this message names no chunk", code="bad_message") from e
    if not (isinstance(tenant, str) and isinstance(run_id, str) and type(number) is int):
        raise Malformed("this message names no chunk", code="bad_message")
    return ChunkRef(tenant, run_id, number)


def single_body(ref: SingleRef) -> str:
    """The body of a single message's message."""
    return json.dumps({"v": SHAPE, "tenant": ref.tenant, "message_id": ref.message_id})


def parse_single(body: str) -> SingleRef:
    """The single message that a queue message names. Raises Malformed for another shape, as `parse_ref`."""
    try:
        data = json.loads(body)
        if data["v"] != SHAPE:
            raise Malformed(f"this code does not know messages of shape {data['v']}", code="unknown_shape")
        tenant, message_id = data["tenant"], data["message_id"]
    except (ValueError, KeyError, TypeError) as e:
        raise Malformed("this names no single message", code="bad_message") from e
    if not (isinstance(tenant, str) and isinstance(message_id, str)):
        raise Malformed("this names no single message", code="bad_message")
    return SingleRef(tenant, message_id)
