"""`meghdoot reconcile` on moto: a run that was sent, its account in words, JSON and CSV, and a flipped letter."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from meghdoot.areas.messaging.model import Chunk, ChunkRef, Recipient, Run, SendRow
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.wiring import aws, messaging
from meghdoot_cli.__main__ import main
from tests.support.killing import CONTENT
from tests.support.world import REGION, world

TENANT, RUN = "acme", "0190a000-0000-7000-8000-000000000007"
NOW = datetime.now(UTC).replace(microsecond=0)
PEOPLE = [f"c{n}" for n in range(4)]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A run of four people that is over: two delivered, one whose fate is unknown, one without consent."""
    with world(monkeypatch) as env:
        aws.forget()
        ref = ChunkRef(TENANT, RUN, 0)
        messaging.runs().add(
            Run(
                TENANT, RUN, None, "e1", "email", "marketing", "sending", (), CONTENT, NOW, NOW, NOW,
                NOW + timedelta(days=8), 7, planned_slices=1, audience=4, chunks=1, slice_chunks={"0": 1},
            )
        )  # fmt: skip
        skips = [None, None, None, "no_consent"]
        messaging.audience().write(
            ref, [Recipient(n, c, f"{c}@x.example", "en", None, {}, skips[n]) for n, c in enumerate(PEOPLE)]
        )
        messaging.chunks().create(Chunk(TENANT, RUN, 0, "aaUn"))
        rows = [
            SendRow(
                TENANT, c, send_key(RUN, "email", c), run_minute(NOW), "delivered", RUN, 0, n, NOW, "ses", f"p-{n}",
                mail_hash="h" * 22, mailed_at=int(NOW.timestamp()),
            )
            for n, c in enumerate(PEOPLE[:2])
        ]  # fmt: skip
        messaging.rows().born(rows)
        messaging.sweeper().sweep(messaging.runs().get(TENANT, RUN))  # type: ignore[arg-type]
        yield env["TABLE_ACTIVITY"]


def reconcile(*more: str) -> int:
    return main(["reconcile", RUN, "--tenant", TENANT, *more])


def test_the_account_of_a_run_names_the_counters_that_were_never_kept(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # No stream is read here, so the live counters know of nothing: a contradiction, and an exit of 1
    assert reconcile() == 1
    said = capsys.readouterr().out
    assert "4 people planned, 4 accounted for" in said
    assert "root verified" in said
    assert "delivered: the counters say 0, 2 rows are there" in said


def test_each_person_stands_in_the_files_once_with_the_evidence(table: str, tmp_path: Path) -> None:
    wide, flat = tmp_path / "run.json", tmp_path / "run.csv"
    reconcile("--json", str(wide), "--csv", str(flat), "--touches")
    told = json.loads(wide.read_text())
    assert [p["customer_id"] for p in told["people"]] == PEOPLE
    assert [p["state"] for p in told["people"]] == ["delivered", "delivered", "unknown", "skipped:no_consent"]
    assert told["people"][0] | {"said_at": "", "mailed_at": ""} == {
        "customer_id": "c0", "chunk": 0, "index": 0, "letter": "a", "state": "delivered",
        "reason": "the_provider_said_delivered", "provider": "ses", "provider_id": "p-0", "said_at": "",
        "mailed_at": "", "mail_hash": "h" * 22,
    }  # fmt: skip
    summary = told["summary"]
    assert (summary["audience"], summary["reconciled"], summary["unknown"]) == (4, 4, 1)
    assert (summary["root_verified"], summary["contradictions"]) == (True, {"counters": 1})
    with flat.open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == [p["state"] for p in told["people"]]


def test_a_flipped_letter_in_the_table_is_found_and_its_chunk_named(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("dynamodb", region_name=REGION).update_item(
        TableName=table, Key={"pk": {"S": f"{TENANT}#R#{RUN}#0"}, "sk": {"S": "CHUNK"}},
        UpdateExpression="SET r = :r", ExpressionAttributeValues={":r": {"S": "aafn"}},
    )  # fmt: skip
    assert reconcile() == 1
    said = capsys.readouterr().out
    assert "ROOT NOT VERIFIED" in said
    assert "chunk 0: letters, audience file or rows were changed" in said


def test_an_unknown_run_is_said_in_words(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reconcile", "nothing", "--tenant", TENANT]) == 1
    assert "there is no run nothing" in capsys.readouterr().err
