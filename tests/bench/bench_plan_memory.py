"""How much memory the people of an audience take while they are streamed: it must not grow with their number.

A child process streams all slices of a generated snapshot with `members()` and tells the peak of its resident memory.
Run as a test with `-m bench`; it prints counts and megabytes, never seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from meghdoot.adapters.lake import schema
from meghdoot.adapters.lake.manifest import Manifest, MemoryManifests, dump
from meghdoot.adapters.lake.merge import ROW_GROUP
from meghdoot.adapters.objects.store import FolderStore
from meghdoot.areas.segments.model import Snapshot
from meghdoot.kernel.clock import ManualClock, parse_iso

SMALL, LARGE = 100_000, 1_000_000
LIMIT_MB, GROWTH_MB = 300, 60
NOW = "2026-03-01T12:00:00Z"
CRITERIA = {
    "conditions": [
        {"field": "customer_lifetime_value", "operator": "greater_or_equal", "value": 1},
        {"field": "last_purchase_date", "operator": "within_days", "value": 400},
        {"field": "city", "operator": "in", "value": ["Dhaka", "Sylhet", "Khulna"]},
    ],
    "logic": "AND",
}


def generate(folder: Path, people: int) -> None:
    """A snapshot of so many people with three purchases each, as the compactor would write it."""
    import duckdb

    files = folder / "lake" / "lake" / "t1" / "s1"
    files.mkdir(parents=True)
    known = {
        "id": "format('{:08x}-0000-7000-8000-{:012x}', i, i)", "version": "1", "slot": "hash(i)", "city": "'Dhaka'",
        "tags": "['a', 'b']", "is_active": "true", "has_email": "true", "has_phone": "true", "created_ms": "0",
        "attr_text": "map(['tier'], ['gold'])",
    }  # fmt: skip
    people_columns = ", ".join(f"{known.get(n, 'NULL')}::{t} AS {n}" for n, t in schema.CUSTOMERS.items())
    event = {
        "id": "format('{:032x}', i * 4 + k)", "customer_id": known["id"], "type": "'purchase'",
        "at_ms": f"{1772366400000} - (i % 300) * 86400000 - k * 3600000", "amount_minor": "1000", "currency": "'BDT'",
    }  # fmt: skip
    event_columns = ", ".join(f"({event.get(n, 'NULL')})::{t} AS {n}" for n, t in schema.EVENTS.items())
    options = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
    connection = duckdb.connect()
    source = f"range({people}) r(i)"
    connection.execute(
        f"COPY (SELECT {people_columns} FROM {source} ORDER BY i) TO '{files}/customers.parquet' {options}"
    )
    connection.execute(
        f"COPY (SELECT {event_columns} FROM {source}, range(3) q(k) ORDER BY i) TO '{files}/events.parquet' {options}"
    )
    snapshot = Snapshot("s1", parse_iso(NOW), people, 3 * people)
    listed = {kind: (f"lake/t1/s1/{kind}.parquet",) for kind in ("customers", "events")}
    (folder / "lake" / "manifest.json").write_text(json.dumps(dump(Manifest(snapshot, 1, listed))))


def measure(folder: Path, slices: int) -> dict[str, int]:
    """Stream everybody in a child process; answers people and peak resident megabytes."""
    command = [sys.executable, "-m", "tests.bench.bench_plan_memory", str(folder), str(slices)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return dict(json.loads(answer.stdout))


def child(folder: Path, slices: int) -> None:
    from meghdoot.adapters.lake.duckdb_engine import DuckDbEngine, Lake

    manifests = MemoryManifests()
    manifests.replace("t1", "manifest.json", 1)
    lake = Lake(FolderStore(folder / "lake"), manifests, folder / "cache")
    engine = DuckDbEngine(lake, lambda _tenant: "BDT")
    clock = ManualClock(parse_iso(NOW))
    people = 0
    for slice_ in range(slices):
        members = engine.members("t1", [CRITERIA], now=clock.now(), zone="Asia/Dhaka", slice_=slice_, slices=slices)
        people += sum(1 for _ in members)
    # The high-water mark of this program alone: ru_maxrss would begin with the parent's, which made the data.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) // 1024
    print(json.dumps({"people": people, "peak_mb": peak}))


@pytest.mark.bench
@pytest.mark.parametrize("slices", [1, 8])
def test_an_audience_of_a_million_is_streamed_in_bounded_memory(tmp_path: Path, slices: int) -> None:
    measured = {}
    for people in (SMALL, LARGE):
        generate(tmp_path / str(people), people)
        measured[people] = measure(tmp_path / str(people), slices)
        print(f"{slices} slices, {people} people: {measured[people]}")
    assert [measured[n]["people"] for n in (SMALL, LARGE)] == [SMALL, LARGE]
    assert measured[LARGE]["peak_mb"] < LIMIT_MB
    assert measured[LARGE]["peak_mb"] - measured[SMALL]["peak_mb"] <= GROWTH_MB


if __name__ == "__main__":
    child(Path(sys.argv[1]), int(sys.argv[2]))
