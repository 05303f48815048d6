"""The ledger, the gate and the suppressions change together, on every substrate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls, Calls
from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.gate_items import gate_key
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.adapters.dynamodb.typed import typed
from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.objects.withdrawals import BotoWriteOnce, ObjectWithdrawalLog, withdrawal_key
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import AwsWire
from meghdoot.adapters.wire_services import DynamoWire
from meghdoot.areas.consent.model import Channel, ConsentEntry, ContactGate, Purpose, Suppression, Withdrawal
from meghdoot.areas.consent.ports import ConsentLedger, Suppressions, WithdrawalLog
from meghdoot.areas.consent.rules import next_entry, verify_chain
from meghdoot.kernel.clock import SystemClock
from meghdoot.kernel.errors import Conflict, Malformed, NotFound
from tests.contract.conftest import REGION, Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def calls_of(substrate: Substrate) -> Calls:
    """boto3 on moto, the thin client on the emulator."""
    if substrate.endpoint is None:
        return BotoCalls(substrate.client("dynamodb"))
    return DynamoWire(AwsWire(REGION, lambda: Credentials("testing", "testing"), SystemClock(), substrate.endpoint))


@dataclass(frozen=True)
class Store:
    ledger: ConsentLedger
    suppressions: Suppressions
    people: Any

    def customer(self, customer_id: str = "c1", tenant: str = "acme") -> None:
        """A customer with an empty gate."""
        if isinstance(self.people, GateStore):
            self.people.put(ContactGate(tenant, customer_id, 1, zone="Asia/Dhaka"))
        else:
            client, table = self.people
            item = {**gate_key(tenant, customer_id), "v": typed(1), "z": typed("Asia/Dhaka")}
            client.put_item(TableName=table, Item=item)

    def gate(self, customer_id: str = "c1") -> ContactGate:
        gate = self.ledger.gate("acme", customer_id)
        assert gate is not None
        return gate

    def act(
        self,
        state: Any,
        channel: Channel = "email",
        purpose: Purpose = "marketing",
        customer_id: str = "c1",
        minutes: int = 0,
    ) -> ConsentEntry:
        head = self.ledger.head("acme", customer_id, channel, purpose)
        entry = next_entry(head, draft(state, channel, purpose, customer_id, minutes))
        self.ledger.append(entry)
        return entry


def draft(state: Any, channel: Channel, purpose: Purpose, customer_id: str, minutes: int) -> ConsentEntry:
    at = NOW + timedelta(minutes=minutes)
    return ConsentEntry(
        "acme", customer_id, channel, purpose, 0, state, "v1", "consent", "form", at, "203.0.113.9", "Agent", None, "e1"
    )


@pytest.fixture
def store(substrate: Substrate) -> Store:
    if substrate.is_memory:
        gates = GateStore()
        return Store(MemoryConsentLedger(gates), MemorySuppressions(gates), gates)
    client, table = substrate.client("dynamodb"), substrate.tables["people"]
    calls = calls_of(substrate)
    return Store(DynamoConsentLedger(calls, table), DynamoSuppressions(calls, table), (client, table))


def suppression(address_key: str = "k1#aa") -> Suppression:
    return Suppression("acme", address_key, "email", "hard_bounce", NOW, "event-1")


def test_a_grant_opens_the_gate_and_a_withdrawal_closes_it(store: Store) -> None:
    store.customer()
    granted = store.act("granted")
    assert store.gate() == ContactGate("acme", "c1", 2, frozenset({"em:m"}), frozenset(), "Asia/Dhaka")
    withdrawn = store.act("withdrawn", minutes=1)
    assert store.gate() == ContactGate("acme", "c1", 3, frozenset(), frozenset(), "Asia/Dhaka")
    assert store.ledger.head("acme", "c1", "email", "marketing") == withdrawn
    entries = store.ledger.history("acme", "c1").items
    assert entries == (granted, withdrawn)
    assert verify_chain(entries)


def test_a_pending_consent_opens_nothing(store: Store) -> None:
    store.customer()
    store.act("pending")
    assert store.gate().granted == frozenset()
    assert store.gate().version == 2


def test_two_writers_of_one_number_one_is_told(store: Store) -> None:
    store.customer()
    store.act("granted")
    late = next_entry(None, draft("withdrawn", "email", "marketing", "c1", 5))
    with pytest.raises(Conflict) as e:
        store.ledger.append(late)
    assert e.value.code == "sequence_taken"
    assert store.gate() == ContactGate("acme", "c1", 2, frozenset({"em:m"}), frozenset(), "Asia/Dhaka")
    with pytest.raises(Conflict):
        store.ledger.append(replace(late, sequence=3))


def test_the_very_same_entry_again_is_our_own_write_and_changes_nothing(store: Store) -> None:
    store.customer()
    entry = store.act("granted")
    store.ledger.append(entry)
    assert store.gate().version == 2
    assert store.ledger.history("acme", "c1").items == (entry,)


def test_a_customer_without_a_gate_has_no_ledger(store: Store) -> None:
    with pytest.raises(NotFound) as e:
        store.act("granted", customer_id="nobody")
    assert e.value.code == "no_gate"
    assert store.ledger.history("acme", "nobody").items == ()
    assert store.ledger.gate("acme", "nobody") is None


def test_history_pages_by_channel_purpose_and_number_without_the_heads(store: Store) -> None:
    store.customer()
    wanted = [store.act("granted"), store.act("withdrawn", minutes=1)]
    wanted.append(store.act("granted", purpose="transactional"))
    wanted.append(store.act("granted", channel="sms"))
    store.customer("c10")
    store.act("granted", customer_id="c10")
    seen: list[ConsentEntry] = []
    after = None
    while True:
        page = store.ledger.history("acme", "c1", limit=2, after=after)
        seen += page.items
        after = page.after
        if after is None:
            break
    assert seen == wanted


def test_unsubscribes_of_a_channel_come_newest_first_in_pages(store: Store) -> None:
    wanted = []
    for n in range(3):
        store.customer(f"c{n}")
        store.act("granted", customer_id=f"c{n}")
        wanted.append(store.act("withdrawn", customer_id=f"c{n}", minutes=n + 1))
    store.act("withdrawn", channel="sms", customer_id="c1")
    store.act("withdrawn", purpose="transactional", customer_id="c1")
    seen: list[ConsentEntry] = []
    after = None
    while True:
        page = store.ledger.withdrawn("acme", "email", limit=2, after=after)
        seen += page.items
        after = page.after
        if after is None:
            break
    assert seen == wanted[::-1]
    assert store.ledger.withdrawn("other", "email").items == ()


def test_many_gates_are_read_at_once_and_the_unknown_are_left_out(store: Store) -> None:
    for n in range(3):
        store.customer(f"c{n}")
    found = store.ledger.gates("acme", ["c0", "c2", "c2", "nobody"])
    assert sorted(found) == ["c0", "c2"]
    assert found["c0"].zone == "Asia/Dhaka"


def test_suppression_closes_the_channel_and_a_new_grant_does_not_open_it(store: Store) -> None:
    store.customer()
    store.act("granted")
    store.act("granted", purpose="transactional")
    store.act("granted", channel="sms")
    assert store.suppressions.add(suppression(), "c1")
    closed = ContactGate("acme", "c1", 5, frozenset({"sm:m"}), frozenset({"em"}), "Asia/Dhaka")
    assert store.gate() == closed
    store.act("granted", minutes=9)
    assert store.gate() == replace(closed, version=6)
    assert store.suppressions.get("acme", "k1#aa", "email") == suppression()


def test_a_repeated_suppression_changes_nothing(store: Store) -> None:
    store.customer()
    assert store.suppressions.add(suppression(), "c1")
    before = store.gate()
    assert not store.suppressions.add(replace(suppression(), reason="manual"), "c1")
    assert store.gate() == before
    assert store.suppressions.get("acme", "k1#aa", "email") == suppression()


def test_a_suppressed_address_closes_the_gate_of_whoever_gets_it_later(store: Store) -> None:
    store.suppressions.add(suppression(), None)
    store.customer()
    assert not store.suppressions.add(suppression(), "c1")
    assert store.gate().suppressed == {"em"}


def test_an_address_without_a_gate_is_suppressed_all_the_same(store: Store) -> None:
    assert store.suppressions.add(suppression(), "erased")
    assert not store.suppressions.add(suppression(), "erased")
    assert store.suppressions.get("acme", "k1#aa", "email") == suppression()
    assert store.suppressions.get("acme", "k1#aa", "sms") is None
    assert store.suppressions.get("other", "k1#aa", "email") is None


def test_lifting_brings_back_no_grant_until_there_is_new_consent(store: Store) -> None:
    store.customer()
    store.act("granted")
    store.suppressions.add(suppression(), "c1")
    store.suppressions.remove("acme", "k1#aa", "email", "c1")
    store.suppressions.remove("acme", "k1#aa", "email", "c1")
    assert store.suppressions.get("acme", "k1#aa", "email") is None
    assert store.gate() == ContactGate("acme", "c1", 4, frozenset(), frozenset(), "Asia/Dhaka")
    store.act("granted", minutes=3)
    assert store.gate().granted == {"em:m"}


def test_a_suppression_between_reading_and_writing_the_gate_is_seen(substrate: Substrate) -> None:
    if substrate.is_memory:
        pytest.skip("memory reads and writes in one breath")
    client, table = substrate.client("dynamodb"), substrate.tables["people"]
    calm = calls_of(substrate)
    rivals = [DynamoSuppressions(calm, table)]

    def racing(operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "TransactWriteItems" and rivals:
            rivals.pop().add(suppression(), "c1")
        return calm(operation, payload)

    store = Store(DynamoConsentLedger(racing, table), DynamoSuppressions(calm, table), (client, table))
    store.customer()
    store.act("granted")
    assert store.gate() == ContactGate("acme", "c1", 3, frozenset(), frozenset({"em"}), "Asia/Dhaka")


def test_009_a_cursor_of_somebody_else_is_malformed(store: Store) -> None:
    if isinstance(store.people, GateStore):
        pytest.skip("memory compares texts")
    with pytest.raises(Malformed):
        store.ledger.withdrawn("acme", "email", after="rubbish")


def test_a_withdrawal_is_one_line_for_ever(substrate: Substrate) -> None:
    line = Withdrawal("acme", "w1", "unsubscribe", NOW, "email", "marketing", "c1")
    if substrate.is_memory:
        memory = MemoryWithdrawalLog()
        _append_twice(memory, line)
        assert memory.lines == [line]
        return
    client = substrate.client("s3")
    client.create_bucket(Bucket="withdrawals")
    _append_twice(ObjectWithdrawalLog(BotoWriteOnce(client), "withdrawals"), line)
    assert client.list_objects_v2(Bucket="withdrawals")["KeyCount"] == 1
    body = client.get_object(Bucket="withdrawals", Key=withdrawal_key(line))["Body"].read()
    assert b'"kind": "unsubscribe"' in body
    assert withdrawal_key(line) == "withdrawals/acme/2026-01-05/w1.json"


def _append_twice(log: WithdrawalLog, line: Withdrawal) -> None:
    log.append(line)
    log.append(replace(line, kind="complaint"))
