"""Appends what changed to the lake: gzip JSON lines, one object for each tenant, day and kind of a batch.

An object is named after its shard and first sequence number: the same records again overwrite the same object, and a
longer batch from the same start replaces it by more. Whatever is still written twice is dropped by the compactor.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meghdoot.adapters.lake.stream import Archived, archived
from meghdoot.adapters.objects.store import ObjectStore
from meghdoot.kernel.errors import Malformed

_SEQUENCE_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: the lines kept, and the sequence number of the record that cannot be read, if any."""

    lines: int
    failed: str | None = None
    reason: str | None = None


class Archive:
    """The writer. Objects go under `archive/<tenant>/`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def append(self, shard: str, records: Sequence[Mapping[str, Any]]) -> Appended:
        """Keep the records up to the first that cannot be read, and name that one: nothing after it is passed over.

        Raises Unavailable or Throttled when the store does not take an object; the same batch may then be repeated.
        """
        kept, failed, reason = _readable(records)
        groups: dict[str, list[Archived]] = {}
        for row in kept:
            groups.setdefault(folder(row), []).append(row)
        for at, rows in groups.items():
            self._store.put(f"{at}{shard}-{rows[0].sequence:0>{_SEQUENCE_DIGITS}}.jsonl.gz", packed(rows))
        return Appended(len(kept), failed, reason)


def shard_of(event: Mapping[str, Any]) -> str:
    """Table and shard of a stream event, as part of a key. Raises Malformed: without a tumbling window none is named."""
    shard = event.get("shardId")
    table = str(event.get("eventSourceARN", "")).partition(":table/")[2].partition("/")[0]
    if not isinstance(shard, str) or not shard or not table:
        raise Malformed("the event does not name its shard", hint="set TumblingWindowInSeconds on the mapping")
    return f"{table}-{shard}"


def folder(row: Archived) -> str:
    """Tombstones stand apart from the days: every read looks at them, so they must be few to list."""
    within = row.kind if row.kind == "tombstones" else f"{row.day}/{row.kind}"
    return f"archive/{row.tenant}/{within}/"


def packed(rows: Sequence[Archived]) -> bytes:
    """Lines as gzip; the same lines are always the same bytes (no time stands in the header)."""
    text = "".join(json.dumps(row.line, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def _readable(records: Sequence[Mapping[str, Any]]) -> tuple[list[Archived], str | None, str | None]:
    kept: list[Archived] = []
    for record in records:
        try:
            row = archived(record)
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            # The type only: the text of such an error may quote the item.
            return kept, str(record["dynamodb"]["SequenceNumber"]), type(e).__name__
        if row is not None:
            kept.append(row)
    return kept, None, None
