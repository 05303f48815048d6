"""Two readers of one stream: what poisons one stops neither the other nor the rest of its own batch."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from archive.app import handler as archive
from counters.app import handler as counters

from meghdoot.wiring import lake
from tests.functions.test_counters import LIFE, SUMS, event, record, row, totals, touch
from tests.support.templates import functions, template
from tests.support.world import world

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as made:
        yield made


def deliver(handler: Handler, function: str, records: list[Any]) -> list[str]:
    """As a mapping does: again from the reported record on, until it is given up; answers what was given up."""
    settings = functions(template())[function]["Events"]["Activity"]["Properties"]
    given_up, tries = list[str](), 0
    while records:
        failed = [f["itemIdentifier"] for f in handler(event(*records), None)["batchItemFailures"]]
        if not failed:
            break
        numbers = [r["dynamodb"]["SequenceNumber"] for r in records]
        at = numbers.index(failed[0])
        tries = 0 if at else tries + 1
        records = records[at:]
        if tries > settings["MaximumRetryAttempts"]:
            given_up.append(records[0]["dynamodb"]["SequenceNumber"])
            records, tries = records[1:], 0
    return given_up


def archived() -> list[dict[str, Any]]:
    found = [lake.store().get(o.key) for o in lake.store().list("archive/")]
    return [json.loads(line) for body in found for line in gzip.decompress(body).splitlines()]


# A send row without its provider is a row to the counters, and no line to the archive.
FULL = {
    "rk": {"N": "5"}, "ch": {"N": "0"}, "i": {"N": "0"}, "at": {"S": "2026-01-05T09:00:00.000Z"}, "pv": {"S": "ses"},
}  # fmt: skip


def readable(sequence: int, key: str) -> Any:
    return record(sequence, "INSERT", f"SEND#202601050900#{key}", {**row("delivered"), **FULL})


def test_037_what_poisons_the_archive_is_counted_and_the_rest_of_the_batch_is_archived(env: dict[str, str]) -> None:
    poison = readable(12, "k12")
    poison["dynamodb"]["NewImage"]["at"] = {"S": "not a time"}
    records = [readable(11, "k11"), poison, readable(13, "k13")]
    # When both readers are given the same records
    lost = deliver(archive, "ArchiveFunction", records)
    assert deliver(counters, "CountersFunction", records) == []
    # Then the archive gives up one record and keeps the others, and the counters have all three
    assert lost == [poison["dynamodb"]["SequenceNumber"]]
    assert len(archived()) == 2
    assert totals(env) == {"delivered": 3}


def test_037_what_poisons_the_counters_is_told_and_stops_neither_of_the_readers(env: dict[str, str]) -> None:
    poison = record(20, "INSERT", "TOUCH#k1#link_click#0009", {**touch("link_click"), "at": FULL["at"]})
    records = [*LIFE, poison, readable(21, "k21")]
    assert deliver(counters, "CountersFunction", records) == []
    assert totals(env) == {**SUMS, "delivered": SUMS["delivered"] + 1}
    kept = [readable(31, "k31"), poison, readable(32, "k32")]
    deliver(archive, "ArchiveFunction", kept)
    assert {line["send_key"] for line in archived() if "send_key" in line} >= {"k31", "k32"}


def test_030_what_is_given_up_wakes_somebody() -> None:
    resources = template()["Resources"]
    for function in ("ArchiveFunction", "CountersFunction"):
        for source in resources[function]["Properties"]["Events"].values():
            target = source["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"]
            assert (
                target.startswith("StreamFailuresQueue")
                if isinstance(target, str)
                else target[0] == "StreamFailuresQueue"
            )
    alarm = resources["StreamFailuresAlarm"]["Properties"]
    assert (alarm["Threshold"], alarm["AlarmActions"]) == (1, [{"Ref": "AlarmTopic"}])
