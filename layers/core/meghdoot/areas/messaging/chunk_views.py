"""A run's chunks as evidence: letters, frozen people, and what the provider has said of them, a few chunks at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from meghdoot.areas.messaging.model import Chunk, Recipient, Run, SendRow
from meghdoot.areas.messaging.ports import Audience, Chunks, SendRows
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.kernel.errors import Malformed, NotFound

_CHUNKS_A_READ = 20


@dataclass(frozen=True, slots=True)
class ChunkView:
    """One chunk. What is damaged or gone leaves its part empty, and `damage` says so."""

    chunk: Chunk
    people: Sequence[Recipient]
    audience: str
    """SHA-256 of the audience file's bytes in hex; empty when there is no file."""
    rows: Mapping[int, SendRow] = field(default_factory=dict)
    """By index."""
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkViews:
    """Reads views. Holds at most 20 chunks' letters and one chunk's people at a time."""

    chunks: Chunks
    audience: Audience
    rows: SendRows

    def of(self, run: Run, numbers: Sequence[int]) -> Iterator[ChunkView]:
        """The named chunks in their order; one whose item is gone has no letters."""
        for start in range(0, len(numbers), _CHUNKS_A_READ):
            wanted = numbers[start : start + _CHUNKS_A_READ]
            found = {chunk.number: chunk for chunk in self.chunks.get_many(run.tenant, run.id, wanted)}
            for number in wanted:
                yield self._view(run, found.get(number) or Chunk(run.tenant, run.id, number, ""))

    def _view(self, run: Run, chunk: Chunk) -> ChunkView:
        damage = None if chunk.letters else "the chunk item is gone"
        try:
            digest = self.audience.digest(chunk.ref)
        except NotFound:
            return ChunkView(chunk, (), "", damage=damage or "the audience file is gone")
        try:
            people = self.audience.read(chunk.ref)
        except Malformed:
            return ChunkView(chunk, (), digest, damage="the audience file cannot be read")
        return ChunkView(chunk, people, digest, self._rows(run, people), damage)

    def _rows(self, run: Run, people: Sequence[Recipient]) -> dict[int, SendRow]:
        minute = run_minute(run.started_at)
        keys = {person.index: send_key(run.id, run.channel, person.customer_id) for person in people}
        triples = [(person.customer_id, minute, keys[person.index]) for person in people if person.skip is None]
        found = self.rows.get_many(run.tenant, triples) if triples else {}
        return {index: found[key] for index, key in keys.items() if key in found}
