"""The frozen audience: one gzip file of JSON lines for each chunk."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Protocol

from meghdoot.areas.messaging.model import ChunkRef, Recipient
from meghdoot.kernel.errors import Malformed

_SHAPE = 1


class Files(Protocol):
    """Of an `ObjectStore`, as much as an audience needs."""

    def get(self, key: str) -> bytes: ...
    def put(self, key: str, body: bytes) -> None: ...


class ObjectAudience:
    """Files in the lake's bucket. The same people always make the same bytes."""

    def __init__(self, store: Files) -> None:
        self._store = store

    def write(self, ref: ChunkRef, people: Sequence[Recipient]) -> None:
        lines = "\n".join(json.dumps(_line(person), ensure_ascii=False, separators=(",", ":")) for person in people)
        self._store.put(_key(ref), gzip.compress(lines.encode(), mtime=0))

    def read(self, ref: ChunkRef) -> list[Recipient]:
        raw = self._store.get(_key(ref))
        try:
            text = gzip.decompress(raw).decode()
            return [_person(json.loads(line)) for line in text.split("\n") if line]
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as e:
            raise Malformed(f"the audience file of chunk {ref.number} is damaged", code="damaged_audience") from e

    def digest(self, ref: ChunkRef) -> str:
        return sha256(self._store.get(_key(ref))).hexdigest()


def _key(ref: ChunkRef) -> str:
    return f"audience/{ref.tenant}/{ref.run_id}/{ref.number}.jsonl.gz"


def _line(person: Recipient) -> dict[str, Any]:
    line = {
        "s": _SHAPE, "i": person.index, "c": person.customer_id, "a": person.address, "l": person.language,
        "z": person.zone, "f": dict(person.fields), "skip": person.skip,
    }  # fmt: skip
    return {name: value for name, value in line.items() if value not in (None, {})}


def _person(line: dict[str, Any]) -> Recipient:
    return Recipient(
        index=line["i"],
        customer_id=line["c"],
        address=line.get("a"),
        language=line["l"],
        zone=line.get("z"),
        fields=line.get("f", {}),
        skip=line.get("skip"),
    )
