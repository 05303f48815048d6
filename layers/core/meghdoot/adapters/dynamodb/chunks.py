"""Chunk items: the ledger of a run's people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import sleep
from typing import Any

from meghdoot.adapters.dynamodb import keys, send_statements
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import Calls
from meghdoot.adapters.dynamodb.statements import Statement, Statements
from meghdoot.areas.messaging.model import Chunk, ChunkRef


class DynamoChunks:
    """Chunks in the table `activity`."""

    def __init__(
        self, calls: Calls, table: str, *, as_items: bool = False, consistent: bool = True,
        pause: Callable[[float], None] = sleep,
    ) -> None:  # fmt: skip
        """`consistent=False` is for who looks at all chunks of a run again and again: a chunk only ever runs out of work,
        so that a late read shows some that is done, and never misses any. One chunk by itself is always read consistently.
        """
        self._consistent = consistent
        self._calls = calls
        self._table = table
        self._pause = pause
        self._statements = Statements(calls, as_items, pause)

    def create(self, chunk: Chunk) -> bool:
        return self._applied(send_statements.insert(self._table, send_statements.chunk_item(chunk)))

    def get(self, ref: ChunkRef) -> Chunk | None:
        found = self._read(ref.tenant, ref.run_id, [ref.number], consistent=True)
        return found[0] if found else None

    def get_many(self, tenant: str, run_id: str, numbers: Iterable[int]) -> list[Chunk]:
        return self._read(tenant, run_id, numbers, consistent=self._consistent)

    def _read(self, tenant: str, run_id: str, numbers: Iterable[int], *, consistent: bool) -> list[Chunk]:
        refs = {keys.chunk_pk(tenant, run_id, number): ChunkRef(tenant, run_id, number) for number in numbers}
        wanted = [(pk, send_statements.CHUNK) for pk in refs]
        items = {
            item["pk"]["S"]: item
            for item in batch_get(self._calls, self._table, wanted, self._pause, consistent=consistent)
        }
        return [_chunk(ref, items[pk]) for pk, ref in refs.items() if pk in items]

    def take(self, chunk: Chunk, token: str, lease_until: int) -> Chunk | None:
        result = self._statements.run([send_statements.take(self._table, chunk, token, lease_until)])[0]
        # A repeated TAKE, whose first answer was lost, meets its own token.
        if result.item is None or result.item["tok"]["S"] != token:
            return None
        return _chunk(chunk.ref, result.item)

    def mark(self, chunk: Chunk, lease_until: int) -> bool:
        result = self._statements.run([send_statements.mark(self._table, chunk, lease_until)])[0]
        if result.applied or lease_until or result.item is None:
            return result.applied
        # A repeated giving back, whose first answer was lost: the sweeper may have lifted letters since.
        return (result.item["tok"]["S"], result.item["lease"]["N"]) == (chunk.token, "0")

    def lift(self, ref: ChunkRef, expected_letters: str, letters: str) -> bool:
        after = Chunk(ref.tenant, ref.run_id, ref.number, letters)
        return self._applied(send_statements.lift(self._table, ref, expected_letters, letters, after.work_left))

    def queued(self, chunk: Chunk, until: int) -> bool:
        return self._applied(send_statements.queued(self._table, chunk, until))

    def _applied(self, statement: Statement) -> bool:
        return self._statements.run([statement])[0].applied


def _chunk(ref: ChunkRef, item: Mapping[str, Any]) -> Chunk:
    return Chunk(
        ref.tenant,
        ref.run_id,
        ref.number,
        letters=item["r"]["S"],
        token=item["tok"]["S"],
        lease_until=int(item["lease"]["N"]),
        parked_at=int(item["pa"]["N"]),
        queued_until=int(item["q"]["N"]),
        expires_at=int(item.get("ttl", {}).get("N", 0)),
    )
