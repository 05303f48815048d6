"""How much memory planning takes: it must not grow with the audience.

A child process plans a run over a generated snapshot with the real planner, slice by slice as the state machine does, into
audience files on disk, and tells the peak of its resident memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from meghdoot.adapters.lake import schema
from meghdoot.adapters.lake.duckdb_engine import DuckDbEngine, Lake
from meghdoot.adapters.lake.manifest import Manifest, MemoryManifests, dump
from meghdoot.adapters.lake.merge import ROW_GROUP
from meghdoot.adapters.memory.messaging import MemoryChunkQueue, MemoryChunks, MemoryLiveRuns
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.memory.tenants import memory_tenants
from meghdoot.adapters.objects.audience import ObjectAudience
from meghdoot.adapters.objects.store import FolderStore
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.planner import PlannerService
from meghdoot.areas.messaging.service import PEOPLE_A_SLICE
from meghdoot.areas.segments.model import Snapshot
from meghdoot.kernel.clock import ManualClock, parse_iso
from tests.bench.results_file import keep
from tests.support.killing import CONTENT

SMALL, LARGE = 100_000, 1_000_000
REACH = {"peak_mb": {"at_most": 300}, "growth_mb": {"at_most": 60}}
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


def measure(folder: Path, people: int) -> dict[str, int]:
    """Plan everybody in a child process; answers people, chunks and peak resident megabytes."""
    command = [sys.executable, "-m", "tests.bench.test_plan_memory", str(folder), str(people)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))


class MadeCustomers:
    """Profiles that are made when they are asked for: nothing is kept, as in a database elsewhere."""

    def get_many(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, Customer]:
        at = parse_iso(NOW)
        return {c: Customer(tenant, c, at, at, email=f"{c}@x.example", first_name="Rahima") for c in customer_ids}


class OpenGates:
    """Gates that are made when they are asked for."""

    def read(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, ContactGate]:
        return {c: ContactGate(tenant, c, 1, frozenset({"em:m"}), zone="Asia/Dhaka") for c in customer_ids}


def planner(folder: Path) -> PlannerService:
    """The real planner: its lake and its audience files in folders, its small stores in memory."""
    manifests = MemoryManifests()
    manifests.replace("t1", "manifest.json", 1)
    lake = Lake(FolderStore(folder / "lake"), manifests, folder / "cache")
    return PlannerService(
        runs=MemoryRecords("run", lambda run: run.status),
        live=MemoryLiveRuns(),
        tenants=memory_tenants(),
        engine=DuckDbEngine(lake, lambda _tenant: "BDT"),
        customers=cast(Any, MadeCustomers()),
        gates=cast(Any, OpenGates()),
        audience=ObjectAudience(FolderStore(folder / "audience")),
        chunks=MemoryChunks(),
        queue=MemoryChunkQueue(),
        used_fields=lambda _run: frozenset({"first_name"}),
        clock=ManualClock(parse_iso(NOW)),
    )


def child(folder: Path, people: int) -> None:
    """Plan all slices, as many as a run of that size has, and tell the peak."""
    at, service = parse_iso(NOW), planner(folder)
    service.runs.add(
        Run(
            "t1", "r1", None, "e1", "email", "marketing", "planning", (), CONTENT, at, at, at, at + timedelta(days=8), 7,
            criteria=(CRITERIA,), slices=max(1, -(-people // PEOPLE_A_SLICE)),
        )
    )  # fmt: skip
    slice_: int | None = 0
    while slice_ is not None:
        slice_ = service.plan_slice("t1", "r1", slice_)
    run = service.runs.get("t1", "r1")
    assert run is not None
    files = sum(1 for path in (folder / "audience").rglob("*.jsonl.gz") if path.is_file())
    assert files == run.chunks, "every chunk has its file"
    # The high-water mark of this program alone: ru_maxrss would begin with the parent's, which made the data.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) // 1024
    print(json.dumps({"people": run.audience, "chunks": run.chunks, "slices": run.slices, "peak_mb": peak}))


@pytest.mark.bench
def test_an_audience_of_a_million_is_planned_in_bounded_memory(tmp_path: Path) -> None:
    planned = {}
    for people in (SMALL, LARGE):
        generate(tmp_path / str(people), people)
        planned[people] = measure(tmp_path / str(people), people)
    assert [planned[n]["people"] for n in (SMALL, LARGE)] == [SMALL, LARGE]
    small, large = planned[SMALL]["peak_mb"], planned[LARGE]["peak_mb"]
    measured = {
        "people": LARGE, "slices": planned[LARGE]["slices"], "chunks": planned[LARGE]["chunks"], "peak_mb": large,
        "peak_mb_of_100000": small, "growth_mb": large - small,
    }  # fmt: skip
    keep("plan_memory", measured, REACH)


if __name__ == "__main__":
    child(Path(sys.argv[1]), int(sys.argv[2]))
