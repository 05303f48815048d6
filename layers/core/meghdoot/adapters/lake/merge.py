"""The merge of one compaction: last files and fresh lines of each kind, without doubles and without the erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meghdoot.adapters.lake.session import json_lines, literal, parquet

# Small groups, so that a reader decodes little at a time.
ROW_GROUP = 30_720

# How doubles fall together. Customers: the highest item version wins. Events: the same id is the same event.
# Sends: the highest state, and the instant of delivery whatever came later. Touches: the first.
_MERGES = {
    "customers": "SELECT * FROM lines QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1 ORDER BY id",
    "events": "SELECT DISTINCT ON (customer_id, id) * FROM lines ORDER BY customer_id, id",
    "sends": "SELECT send_key, customer_id, any_value(run_id) AS run_id, arg_max(state, rank) AS state, "
    "max(rank) AS rank, arg_max(at_ms, rank) AS at_ms, min(delivered_ms) AS delivered_ms "
    "FROM lines GROUP BY send_key, customer_id ORDER BY customer_id, send_key",
    "touches": "SELECT send_key, customer_id, any_value(run_id) AS run_id, kind, link, min(at_ms) AS at_ms "
    "FROM lines GROUP BY send_key, customer_id, kind, link ORDER BY customer_id, send_key",
    "tombstones": "SELECT DISTINCT id FROM lines ORDER BY id",
}
_PERSON = {"customers": "id", "events": "customer_id", "sends": "customer_id", "touches": "customer_id"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Local copies by kind: Parquet files of the last snapshot, and fresh archive objects."""

    parquet: Mapping[str, Sequence[Path]]
    lines: Mapping[str, Sequence[Path]]

    def all(self, kind: str) -> str:
        """A query over everything of a kind."""
        last = parquet(kind, self.parquet.get(kind, ()))
        return f"{last} UNION ALL {json_lines(kind, self.lines.get(kind, ()))}"


def output(folder: Path, kind: str) -> Path:
    """Where the merged file of a kind is written."""
    return folder / f"{kind}.next.parquet"


def write(connection: Any, inputs: Inputs, kinds: Sequence[str], folder: Path) -> None:
    """Write the merged file of each kind, sorted by customer so that a person's rows lie together."""
    for kind in kinds:
        source = inputs.all(kind)
        if kind in _PERSON:
            erased = inputs.all("tombstones")
            source = f"SELECT * FROM ({source}) r ANTI JOIN ({erased}) t ON t.id = r.{_PERSON[kind]}"  # noqa: S608 - our own names
        merged = f"WITH lines AS ({source}) {_MERGES[kind]}"
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}"
        connection.execute(f"COPY ({merged}) TO {literal(str(output(folder, kind)))} ({options})")


def rows(connection: Any, inputs: Inputs, kind: str, folder: Path) -> int:
    """How many rows a kind has after the merge, whether it was written or not."""
    written = output(folder, kind)
    files = [written] if written.exists() else inputs.parquet.get(kind, ())
    return int(connection.execute(f"SELECT count(*) FROM ({parquet(kind, files)})").fetchone()[0])  # noqa: S608
