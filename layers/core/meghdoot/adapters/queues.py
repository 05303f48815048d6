"""Queues on SQS. A message names what wants work; its group is the tenant, so that quiet tenants overtake noisy ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from time import sleep
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from meghdoot.areas.messaging.model import ChunkRef
from meghdoot.kernel.errors import Malformed, Unavailable

SHAPE = 1
_ENTRIES = 10
_ROUNDS = 6
_FIRST_PAUSE = 0.05
_MAX_DELAY = 900


class SqsChunkQueue:
    """Chunk references, by tens. `groups` is off for a substrate that knows groups on FIFO queues only."""

    def __init__(self, client: Any, url: str, *, groups: bool = True, pause: Callable[[float], None] = sleep) -> None:
        self._client = client
        self._url = url
        self._groups = groups
        self._pause = pause

    def put(self, refs: Sequence[ChunkRef], *, delay_seconds: int = 0) -> None:
        for start in range(0, len(refs), _ENTRIES):
            self._put(refs[start : start + _ENTRIES], min(delay_seconds, _MAX_DELAY))

    def _put(self, refs: Sequence[ChunkRef], delay: int) -> None:
        waiting = {str(n): self._entry(str(n), ref, delay) for n, ref in enumerate(refs)}
        for round_ in range(_ROUNDS):
            if round_:
                self._pause(_FIRST_PAUSE * 2**round_)
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=list(waiting.values()))
            except (ClientError, BotoCoreError) as e:
                raise Unavailable("the queue does not answer") from e
            for done in answer.get("Successful", []):
                waiting.pop(done["Id"], None)
            if not waiting:
                return
        raise Unavailable("the queue refuses messages")

    def _entry(self, entry_id: str, ref: ChunkRef, delay: int) -> dict[str, Any]:
        entry: dict[str, Any] = {"Id": entry_id, "MessageBody": ref_body(ref), "DelaySeconds": delay}
        if self._groups:
            entry["MessageGroupId"] = ref.tenant
        return entry


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
