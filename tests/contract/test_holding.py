"""Holds, the sender's look and the seal behave alike in memory and on AWS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from meghdoot.adapters.dynamodb.calls import BotoCalls, CallError
from meghdoot.adapters.dynamodb.holding import DynamoHolds, DynamoRunWatch
from meghdoot.adapters.dynamodb.models import DocumentItem, bind
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.dynamodb.seal import DynamoSeal
from meghdoot.adapters.dynamodb.unfinished import DynamoUnfinishedRuns
from meghdoot.adapters.memory.holding import MemoryHolds, MemoryRunWatch, MemoryUnfinishedRuns
from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.adapters.objects.withdrawals import BotoWriteOnce, ObjectWithdrawalLog, S3WithdrawalReader
from meghdoot.areas.consent.model import Withdrawal
from meghdoot.areas.consent.ports import WithdrawalLine
from meghdoot.areas.messaging.holding import Hold, Holds, RunWatch
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.ports import Runs
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import NotFound
from tests.contract.conftest import REGION, Substrate
from tests.support.killing import World

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WIDE = Hold("acme", "all", "kill_switch", "ভুল দাম", "key:ops", AT)
NARROW = replace(WIDE, scope="marketing", cause="bounce_rate", by="reputation")


@pytest.fixture
def stores(substrate: Substrate) -> tuple[Holds, Runs, RunWatch]:
    if substrate.is_memory:
        holds, runs = MemoryHolds(), MemoryRecords[Run]("run")
        return holds, runs, MemoryRunWatch(runs, holds)
    calls, table = BotoCalls(substrate.client("dynamodb")), substrate.tables["definitions"]
    stored = DynamoRecords(bind(DocumentItem, table, REGION, substrate.endpoint), Run, "run")
    return DynamoHolds(calls, table), stored, DynamoRunWatch(calls, table)


def test_a_hold_comes_back_as_it_was_set_and_goes_when_it_is_lifted(stores: tuple[Holds, Runs, RunWatch]) -> None:
    holds = stores[0]
    assert holds.get("acme") is None
    assert holds.lift("acme") is None
    assert holds.put(WIDE)
    assert holds.get("acme") == WIDE
    assert holds.get("acme2") is None
    assert holds.lift("acme") == WIDE
    assert holds.get("acme") is None


def test_a_wider_hold_takes_the_place_of_a_narrow_one_and_never_the_reverse(
    stores: tuple[Holds, Runs, RunWatch],
) -> None:
    holds = stores[0]
    assert holds.put(NARROW)
    assert not holds.put(replace(NARROW, words="later"))
    assert holds.put(WIDE)
    assert not holds.put(NARROW)
    assert not holds.put(replace(WIDE, words="later"))
    assert holds.get("acme") == WIDE


def test_a_look_shows_the_run_and_the_hold_of_its_tenant(stores: tuple[Holds, Runs, RunWatch]) -> None:
    holds, runs, watch = stores
    run = World(1).launch()
    runs.add(run)
    assert watch.look("acme", run.id).run == run
    assert watch.look("acme", run.id).hold is None
    holds.put(replace(WIDE, tenant="other"))
    holds.put(NARROW)
    assert watch.look("acme", run.id).hold == NARROW
    assert watch.look("acme", run.id).halt == "held"
    with pytest.raises(NotFound):
        watch.look("acme", "none")
    with pytest.raises(NotFound):
        watch.look("other", run.id)


def test_133_a_look_is_one_consistent_call(substrate: Substrate) -> None:
    if substrate.is_memory:
        pytest.skip("memory makes no calls")
    made: list[tuple[str, bool]] = []
    calls = BotoCalls(substrate.client("dynamodb"))

    def counted(operation: str, payload: Any) -> dict[str, Any]:
        made.append((operation, all(asked["ConsistentRead"] for asked in payload["RequestItems"].values())))
        return calls(operation, payload)

    table, run = substrate.tables["definitions"], World(1).launch()
    DynamoRecords(bind(DocumentItem, table, REGION, substrate.endpoint), Run, "run").add(run)
    DynamoRunWatch(counted, table).look("acme", run.id)
    assert made == [("BatchGetItem", True)]


def seal_of(substrate: Substrate, clock: ManualClock, calls: Any = None) -> DynamoSeal:
    tables = [substrate.tables[name] for name in ("definitions", "people", "activity")]
    return DynamoSeal(calls or BotoCalls(substrate.client("dynamodb")), tables, clock)


def restored(substrate: Substrate, table: str) -> None:
    """Restore a table in place, as an operator does: back up, delete, restore under its own name."""
    client = substrate.client("dynamodb")
    backup = client.create_backup(TableName=table, BackupName="nightly")["BackupDetails"]["BackupArn"]
    client.delete_table(TableName=table)
    client.restore_table_from_backup(TargetTableName=table, BackupArn=backup)


@pytest.mark.parametrize("name", ["definitions", "people", "activity"])
def test_080_a_table_that_came_back_from_a_backup_breaks_the_seal(substrate: Substrate, name: str) -> None:
    if substrate.is_memory:
        pytest.skip("memory has no tables")
    clock = ManualClock(AT)
    seal = seal_of(substrate, clock)
    assert seal.state() == "missing"
    assert not seal.intact()
    seal.renew()
    assert seal.intact()
    first = seal.since()
    assert first is not None
    restored(substrate, substrate.tables[name])
    # The item came back with the data, and names a table that is no more.
    assert seal.state() == "foreign"
    clock.advance(seconds=61)
    assert not seal.intact()
    since = seal.since()
    assert since is not None
    assert since >= first
    seal.renew()
    assert seal.intact()


def test_the_seal_asks_once_a_minute_and_trusts_its_last_answer_for_ten(substrate: Substrate) -> None:
    if substrate.is_memory:
        pytest.skip("memory has no tables")
    clock, calls, made = ManualClock(AT), BotoCalls(substrate.client("dynamodb")), []
    broken = False

    def counted(operation: str, payload: Any) -> dict[str, Any]:
        made.append(operation)
        if broken:
            raise CallError("ThrottlingException")
        return calls(operation, payload)

    seal = seal_of(substrate, clock, counted)
    seal.renew()
    made.clear()
    for _ in range(50):
        assert seal.intact()
        clock.advance(seconds=1)
    assert made == ["GetItem", "DescribeTable"] * 3
    broken = True
    clock.advance(minutes=5)
    assert seal.intact()
    clock.advance(minutes=6)
    assert not seal.intact()
    assert not seal_of(substrate, clock, counted).intact()


def unfinished_runs(substrate: Substrate, runs: list[Run]) -> list[Run]:
    if substrate.is_memory:
        store = MemoryRecords[Run]("run")
        for run in runs:
            store.add(run)
        return MemoryUnfinishedRuns(store, ["acme", "other"]).unfinished()
    table = substrate.tables["definitions"]
    stored = DynamoRecords(bind(DocumentItem, table, REGION, substrate.endpoint), Run, "run")
    for run in runs:
        stored.add(run)
    return list(DynamoUnfinishedRuns(BotoCalls(substrate.client("dynamodb")), table).unfinished())


def test_080_the_runs_of_all_tenants_that_are_not_over_are_found(substrate: Substrate) -> None:
    run = World(1).launch()
    runs = [
        replace(run, id="live"), replace(run, id="held", status="paused", tenant="other"),
        replace(run, id="over", status="done"), replace(run, id="ended", status="cancelled"),
    ]  # fmt: skip
    assert sorted(found.id for found in unfinished_runs(substrate, runs)) == ["held", "live"]


def test_080_the_lines_of_the_bucket_come_back_by_pages_in_their_order() -> None:
    lines = [
        Withdrawal("acme", f"w{n}", "unsubscribe", AT + timedelta(days=n), "email", "marketing", f"c{n}")
        for n in range(5)
    ]
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="noes")
        log, reader = ObjectWithdrawalLog(BotoWriteOnce(s3), "noes"), S3WithdrawalReader(s3, "noes")
        assert not reader.any()
        for line in reversed(lines):
            log.append(line)
        s3.put_object(Bucket="noes", Key="withdrawals/acme/2027-01-01/odd.json", Body=b"{")
        found: list[WithdrawalLine] = []
        after: str | None = None
        while True:
            page = reader.page(limit=2, after=after)
            found += page.items
            after = page.after
            if after is None:
                break
    assert [line.withdrawal for line in found] == [*lines, None]
    assert found[-1].name == "withdrawals/acme/2027-01-01/odd.json"
