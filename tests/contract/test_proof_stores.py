"""What accounts and proofs read and write behaves alike on every substrate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.touches import DynamoTouches
from meghdoot.adapters.memory.consent import MemoryConsentLedger
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.messaging import MemoryAudience, MemorySendRows
from meghdoot.adapters.memory.roots import MemoryRoots
from meghdoot.adapters.memory.touches import MemoryTouches
from meghdoot.adapters.objects.audience import ObjectAudience
from meghdoot.adapters.objects.roots import ObjectRoots, root_key
from meghdoot.adapters.objects.store import S3Store
from meghdoot.adapters.objects.withdrawals import BotoWriteOnce
from meghdoot.areas.consent.model import ConsentEntry, ContactGate
from meghdoot.areas.consent.rules import next_entry
from meghdoot.areas.messaging.model import ChunkRef, Recipient, SendRow
from meghdoot.areas.messaging.ports import Audience, SendRows
from meghdoot.areas.messaging.roots import Leaf, RootPart, Roots, RunRoot
from meghdoot.areas.messaging.touching import Touch
from meghdoot.kernel.errors import Malformed, NotFound
from tests.contract.conftest import Substrate
from tests.contract.test_consent_ledger import calls_of

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LEAVES = (Leaf(0, "ab" * 32, "_w"), Leaf(1, "cd" * 32, ""))
BUCKET = "proofs"


@pytest.fixture
def roots(substrate: Substrate) -> Roots:
    if substrate.is_memory:
        return MemoryRoots()
    client = substrate.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return ObjectRoots(BotoWriteOnce(client), S3Store(client, BUCKET), BUCKET)


def test_the_first_proof_stays_and_everybody_is_told_what_stays(roots: Roots) -> None:
    first = RunRoot("acme", "r1", 700, LEAVES, "12" * 32)
    second = replace(first, root="34" * 32)
    assert roots.get("acme", "r1") is None
    assert (roots.put(first), roots.put(second)) == (first, first)
    assert roots.get("acme", "r1") == first
    assert roots.get("other", "r1") is None


def test_the_parts_of_a_proof_stay_too(roots: Roots) -> None:
    part = RootPart("acme", "r2", 3, LEAVES)
    assert roots.part("acme", "r2", 3) is None
    assert roots.put_part(part) == roots.put_part(replace(part, leaves=())) == part
    assert roots.part("acme", "r2", 3) == part
    assert roots.part("acme", "r2", 4) is None
    assert roots.get("acme", "r2") is None


def test_bytes_that_nobody_here_wrote_are_told(roots: Roots, substrate: Substrate) -> None:
    if substrate.is_memory:
        return
    roots.put(RunRoot("acme", "r3", 700, LEAVES, "12" * 32))
    client, key = substrate.client("s3"), root_key("acme", "r3")
    raw = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    for damaged in (raw + b" ", raw[:-1], raw.replace(b"leaves", b"Leaves"), b"", b"[]"):
        client.put_object(Bucket=BUCKET, Key=key, Body=damaged)
        with pytest.raises(Malformed):
            roots.get("acme", "r3")


@pytest.fixture
def audience(substrate: Substrate) -> Audience:
    if substrate.is_memory:
        return MemoryAudience()
    client = substrate.client("s3")
    client.create_bucket(Bucket="lake")
    return ObjectAudience(S3Store(client, "lake"))


def test_a_digest_is_that_of_what_is_stored(audience: Audience) -> None:
    ref, people = (
        ChunkRef("acme", "r-digest", 0),
        [Recipient(0, "c1", "rita@x.example", "en", None, {"first_name": "Rita"})],
    )
    with pytest.raises(NotFound):
        audience.digest(ref)
    audience.write(ref, people)
    first = audience.digest(ref)
    audience.write(ref, people)
    assert (audience.digest(ref), len(first)) == (first, 64)
    audience.write(ref, [replace(people[0], language="bn")])
    assert audience.digest(ref) != first


@pytest.fixture
def rows(substrate: Substrate) -> SendRows:
    if substrate.is_memory:
        return MemorySendRows()
    moto = substrate.endpoint is None
    return DynamoSendRows(calls_of(substrate), substrate.tables["activity"], as_items=moto, consistent=False)


def test_a_row_keeps_what_its_mail_was_and_climbing_changes_none_of_it(rows: SendRows) -> None:
    row = SendRow(
        "acme", "c1", "0" * 32, "202601050900", "delivered", "r1", 2, 7, NOW, "ses", "p-1",
        mail_hash="h" * 22, mailed_at=1767603600, key_id="k1",
    )  # fmt: skip
    old = replace(row, customer_id="c2", send_key="1" * 32, mail_hash=None, mailed_at=None, key_id=None)
    assert rows.born([row, old]) == [True, True]
    rows.climb(replace(row, state="bounced", mail_hash="x", mailed_at=1, key_id="x"))
    keys = [("c1", row.minute, row.send_key), ("c2", old.minute, old.send_key)]
    assert rows.get_many("acme", keys) == {row.send_key: replace(row, state="bounced"), old.send_key: old}


def test_first_touches_of_many_are_read_at_once(substrate: Substrate) -> None:
    touches: MemoryTouches | DynamoTouches = MemoryTouches()
    if not substrate.is_memory:
        touches = DynamoTouches(calls_of(substrate), substrate.tables["activity"])
    touches.touch(Touch("acme", "c1", "r1", "k1", "open", NOW))
    touches.touch(Touch("acme", "c1", "r1", "k1", "click", NOW + timedelta(minutes=1)))
    touches.touch(Touch("acme", "c1", "r1", "k1", "machine_open", NOW))
    touches.touch(Touch("acme", "c2", "r1", "k2", "unsubscribe", NOW))
    touches.touch(Touch("other", "c3", "r1", "k3", "open", NOW))
    wanted = [("c1", "k1"), ("c2", "k2"), ("c3", "k3"), ("c1", "k2")]
    assert touches.first_of("acme", wanted) == {
        "k1": {"open": NOW, "click": NOW + timedelta(minutes=1)}, "k2": {"unsubscribe": NOW},
    }  # fmt: skip


def test_the_heads_of_many_ledgers_are_read_at_once(substrate: Substrate) -> None:
    gates = GateStore()
    ledger: MemoryConsentLedger | DynamoConsentLedger = MemoryConsentLedger(gates)
    if not substrate.is_memory:
        ledger = DynamoConsentLedger(calls_of(substrate), substrate.tables["people"])
    for customer in ("c1", "c2", "c3"):
        _person(substrate, gates, customer)
    for customer, states in {"c1": ("granted", "withdrawn"), "c2": ("granted",)}.items():
        for state in states:
            draft = ConsentEntry(
                "acme", customer, "email", "marketing", 1, state, "v1", "consent", "api", NOW,  # type: ignore[arg-type]
            )  # fmt: skip
            ledger.append(next_entry(ledger.head("acme", customer, "email", "marketing"), draft))
    heads = ledger.heads("acme", ["c1", "c2", "c3", "c4"], "email", "marketing")
    assert {customer: (e.state, e.sequence) for customer, e in heads.items()} == {
        "c1": ("withdrawn", 2), "c2": ("granted", 1),
    }  # fmt: skip
    assert ledger.heads("acme", ["c1"], "sms", "marketing") == {}


def _person(substrate: Substrate, gates: GateStore, customer: str) -> None:
    if substrate.is_memory:
        gates.put(ContactGate("acme", customer, 1, zone="Asia/Dhaka"))
        return
    item = {"pk": {"S": f"acme#C#{customer}"}, "sk": {"S": "GATE"}, "v": {"N": "1"}, "z": {"S": "Asia/Dhaka"}}
    substrate.client("dynamodb").put_item(TableName=substrate.tables["people"], Item=item)
