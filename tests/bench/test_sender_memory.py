"""How much memory sending takes: it must not grow with the people that a process has sent to.

A child process sends a run chunk by chunk through the function's own handler, over the thin client, with the network played
in the process itself, and tells the peak of its resident memory over what its import took. Time passes by the slots of the
rate alone. `SENDER_MEMORY_PEOPLE` makes it quicker to try; a result is kept only for the whole size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench import sending_house as house
from tests.support.fake_dynamo import FakeDynamo, Item
from tests.support.tables import ROOT

SMALL, LARGE, RATE = 100_000, 1_000_000, 300
REACH = {"over_import_mb": {"at_most": 64}, "growth_mb": {"at_most": 5}}
_KEPT_PARTITIONS = 200


class ForgettingDynamo(FakeDynamo):
    """Keeps definitions and what was written last; gates and chunks are made again when they are asked for."""

    def __init__(self) -> None:
        super().__init__(house.made)
        self._latest: OrderedDict[tuple[str, str], None] = OrderedDict()

    def put(self, table: str, item: Item) -> None:
        super().put(table, item)
        if table == house.TABLES["definitions"] or item["pk"]["S"] == "SEAL":
            return
        self._latest[table, item["pk"]["S"]] = None
        self._latest.move_to_end((table, item["pk"]["S"]))
        while len(self._latest) > _KEPT_PARTITIONS:
            self.forget(*self._latest.popitem(last=False)[0])


def play_the_network(database: FakeDynamo) -> dict[str, int]:
    """Answer the thin client here; counts the mails."""
    from meghdoot.adapters.dynamodb.calls import CallError
    from meghdoot.adapters.wire import Answer, AwsWire

    seen = {"mails": 0}

    def call(_wire: AwsWire, service: str, headers: Mapping[str, str], body: bytes, **more: Any) -> Answer:
        if service == "s3":
            chunk = house.audience_path(house.BUCKET, f"/{more['bucket']}{more['path']}")
            return Answer(404, b"") if chunk is None else Answer(200, house.audience(chunk))
        if service != "dynamodb":
            return Answer(200, b"{}")
        operation, asked = headers["x-amz-target"].rpartition(".")[2], json.loads(body)
        if operation == "BatchExecuteStatement":
            # Claims: nobody else writes to these gates.
            return Answer(200, json.dumps({"Responses": [{}] * len(asked["Statements"])}).encode())
        try:
            return Answer(200, json.dumps(database(operation, asked)).encode())
        except CallError as e:
            return Answer(400, json.dumps({"__type": e.code, "message": str(e), **e.body}).encode())

    def once(_wire: AwsWire, _service: str, _headers: Mapping[str, str], body: bytes, _path: str) -> Answer:
        seen["mails"] += 1
        return Answer(200, b'{"MessageId":"m%d"}' % len(body))

    patched: Any = AwsWire
    patched.call, patched.once = call, once
    return seen


def megabytes(name: str) -> float:
    """A line of this process's status: VmRSS now, VmHWM at its highest."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[name].split()[0]) / 1024


def child(people: int) -> None:
    """Send to so many people and tell the peak."""
    from sender.app import handler

    from meghdoot.kernel.clock import ManualClock
    from meghdoot.wiring import light, sender

    imported = megabytes("VmRSS")
    clock = ManualClock(datetime.now(UTC))
    wired: Any = light
    wired.clock = cache(lambda: clock)
    sending: Any = sender
    sending.time = SimpleNamespace(sleep=lambda seconds: clock.advance(seconds=seconds))
    seen = play_the_network(ForgettingDynamo())
    started = clock.now().replace(microsecond=0)
    house.store(light.calls(), started, clock)
    for number in range(people // 500):
        assert handler(house.event(number), house.Context()) == {"batchItemFailures": []}
    assert seen["mails"] == people, seen
    print(json.dumps({"people": people, "imported_mb": imported, "peak_mb": megabytes("VmHWM")}))


def measure(people: int) -> dict[str, float]:
    """A child's figures."""
    env = {**os.environ, **house.environment(None, RATE), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.bench.test_sender_memory", str(people)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.bench
def test_a_sender_needs_no_more_memory_for_a_million_people_than_for_a_hundred_thousand() -> None:
    from tests.bench.results_file import keep, missed

    large = int(os.environ.get("SENDER_MEMORY_PEOPLE", LARGE))
    small = measure(min(SMALL, large // 2))
    whole = measure(large)
    measured = {
        "people": large, "chunks": large // 500, "imported_mb": round(whole["imported_mb"], 1),
        "peak_mb": round(whole["peak_mb"], 1), "over_import_mb": round(whole["peak_mb"] - whole["imported_mb"], 1),
        "over_import_mb_of_100000": round(small["peak_mb"] - small["imported_mb"], 1),
        "growth_mb": round(whole["peak_mb"] - small["peak_mb"], 1),
    }  # fmt: skip
    if large == LARGE:
        keep("sender_memory", measured, REACH)
    assert not missed(measured, REACH), measured


if __name__ == "__main__":
    child(int(sys.argv[1]))
