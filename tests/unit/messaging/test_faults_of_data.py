"""What tables do to us: indexes that lag, items that grow, hot partitions, times to live, keys that are gone, other versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys, send_statements
from meghdoot.adapters.dynamodb.calls import CallError
from meghdoot.adapters.dynamodb.chunks import DynamoChunks
from meghdoot.adapters.dynamodb.consent import DynamoConsentLedger
from meghdoot.adapters.dynamodb.gate_items import gate_key
from meghdoot.adapters.dynamodb.gates import DynamoGates
from meghdoot.adapters.dynamodb.idempotency import DynamoIdempotency
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.dynamodb.suppressions import DynamoSuppressions
from meghdoot.adapters.memory.consent import MemoryWithdrawalLog
from meghdoot.adapters.queues import parse_ref, ref_body
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Run
from meghdoot.areas.messaging.rules import counted
from meghdoot.areas.messaging.rules.counted import Counted
from meghdoot.kernel.errors import AppError, Unavailable
from meghdoot.kernel.ids import SystemIds
from tests.support.fake_dynamo import FakeDynamo, Item
from tests.support.killing import START, TENANT, World

LIMIT = 400_000
"""Bytes that an item may have."""


class Listening(FakeDynamo):
    """Keeps every request, and every item as it was written."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        self.written: list[Item] = []

    def called(self, operation: str, payload: Mapping[str, Any]) -> None:
        self.requests.append((operation, payload))

    def was_written(self, what: str, table: str, before: Item | None, after: Item | None, factor: int) -> None:
        if after is not None and after is not before:
            self.written.append(after)


class Tables:
    """A planned run of which chunk, gates, ledger and rows lie in tables."""

    def __init__(self, people: int, calls: FakeDynamo) -> None:
        self.world = world = World(people)
        self.run = world.launch(daily_cap=1)
        (self.ref,) = world.queue.take()
        self.chunks, self.gates = DynamoChunks(calls, "activity"), DynamoGates(calls, "people")
        self.chunks.create(world.chunks.items[self.ref])
        for customer in world.ids:
            calls.put("people", {**gate_key(TENANT, customer), "v": {"N": "1"}, "c": {"SS": ["em:m"]}})
        ledger, suppressions = DynamoConsentLedger(calls, "people"), DynamoSuppressions(calls, "people")
        ids = SystemIds(world.clock, lambda size: bytes(size))
        self.consent = ConsentService(ledger, suppressions, MemoryWithdrawalLog(), world.clock, ids)
        rows = DynamoSendRows(calls, "activity")
        self.receipts = replace(world.receipts, rows=rows, suppression=self.consent)

    def send(self) -> None:
        """One message of the queue to one sender."""
        sender = replace(self.world.sender(), chunks=self.chunks, gates=self.gates, suppression=self.consent)
        sender.handle(self.ref, lambda: 300.0)


def test_074_no_decision_about_consent_caps_or_claims_reads_an_index() -> None:
    calls = Listening()
    tables = Tables(5, calls)
    # When somebody withdraws, the run is sent, and the provider tells of a hard bounce and a delivery
    tables.consent.record(TENANT, "c00004", "email", "marketing", "withdrawn", source="one_click")
    calls.requests.clear()
    tables.send()
    mails = tables.world.provider.accepted
    facts = [tables.world.delivery_of(mails[0], "bounced", subtype="hard"), tables.world.delivery_of(mails[1])]
    tables.receipts.record(facts)
    tables.send()
    # Then what was decided was right at once, and no request named an index, which would be seconds behind
    assert [mail.tags["customer"] for mail in mails] == ["c00000", "c00001", "c00002", "c00003"]
    assert {operation for operation, _ in calls.requests} >= {"BatchGetItem", "BatchExecuteStatement"}
    assert [
        payload for _, payload in calls.requests if "IndexName" in payload or "gsi" in str(payload.get("Statement"))
    ] == []


def test_071_a_long_history_grows_by_items_and_no_item_grows() -> None:
    calls = Listening()
    tables = Tables(1, calls)
    # Given a customer who changes their mind 300 times
    for _ in range(150):
        tables.consent.record(
            TENANT,
            "c00000",
            "email",
            "marketing",
            "granted",
            source="form",
            text_version="v" * 200,
            user_agent="a" * 512,
        )
        tables.consent.record(TENANT, "c00000", "email", "marketing", "withdrawn", source="form", reason="r" * 500)
    sizes = [len(repr(item)) for item in calls.written]
    assert len(sizes) > 600
    # Then the last items are as small as the first ones
    assert max(sizes[-20:]) <= max(sizes[:20]) + 20
    assert max(sizes) < 8_000
    # And a gate that counts as much as it may stays within one unit, a full chunk far from the limit
    full = counted.write(Counted("k" * 12, 29_000_000 + n, 12_345) for n in range(counted.MAX_ENTRIES))
    assert len(full) < 1_000
    largest = send_statements.chunk_item(Chunk(TENANT, "r" * 36, 99_999, "." * 500, token="t" * 36))
    assert len(repr(largest)) < 2_000


def test_071_a_run_of_ten_million_people_stays_far_from_the_limit_of_an_item() -> None:
    run = World(1).launch()
    vast = replace(run, slices=200, slice_chunks={str(slice_): 100 for slice_ in range(200)}, planned_slices=200)
    assert len(repr(to_plain(vast))) < LIMIT / 20


def test_076_the_writes_of_a_campaign_of_a_million_spread_over_many_keys() -> None:
    chunks = [keys.chunk_pk(TENANT, "r1", number) for number in range(2_000)]
    assert len(set(chunks)) == 2_000, "no key holds more than one chunk: 42 writes over its life"
    people = [keys.customer_pk(TENANT, f"c{n}") for n in range(10_000)]
    assert len(set(people)) == 10_000
    lists = Counter(keys.customer_list_pk(TENANT, n % keys.CUSTOMER_SHARDS) for n in range(10_000))
    assert max(lists.values()) <= 1.05 * 10_000 / 16
    # And a run's own record is written a few times in all, however many people it has
    world = World(300)
    run = world.launch()
    for ref in world.queue.take():
        world.deliver(ref)
    world.sweeper.sweep_all()
    assert world.service.get(TENANT, run.id).version <= 4


def test_075_an_item_whose_time_is_over_says_the_same_whether_it_was_deleted_or_not() -> None:
    begun, over = START, START + timedelta(minutes=1)
    answers = []
    for deleted in (False, True):
        calls = FakeDynamo()
        store = DynamoIdempotency(calls, "work")
        assert store.begin(TENANT, "k", "f", "t1", now=begun, until=over) is None
        if deleted:
            calls.forget("work", keys.idempotency_pk(TENANT, "k"))
        answers.append(
            store.begin(TENANT, "k", "f", "t2", now=over + timedelta(days=5), until=over + timedelta(days=6))
        )
    assert answers == [None, None]


def test_075_a_row_that_time_removed_early_is_born_again_and_no_chunk_is_sent_again() -> None:
    calls = FakeDynamo()
    tables = Tables(2, calls)
    tables.send()
    mail = tables.world.provider.accepted[0]
    word = tables.world.delivery_of(mail)
    assert tables.receipts.record([word]).born == 1
    calls.forget("activity", keys.customer_pk(TENANT, mail.tags["customer"]))
    assert tables.receipts.record([word]).born == 1
    # And where the chunk itself is gone, nobody is called: the message is told as broken
    calls.forget("activity", keys.chunk_pk(TENANT, tables.run.id, 0))
    with pytest.raises(AppError):
        tables.send()
    assert len(tables.world.provider.accepted) == 2


@pytest.mark.parametrize("code", ["AccessDeniedException", "KMSAccessDeniedException", "KMSDisabledException"])
@pytest.mark.parametrize("after", range(4))
def test_081_without_the_key_of_the_tables_nobody_is_called_and_the_message_stays(code: str, after: int) -> None:
    class Locked(FakeDynamo):
        reads = 0

        def called(self, operation: str, payload: Mapping[str, Any]) -> None:
            if payload.get("TableName", "people") and self.reads >= 0:
                self.reads += 1
                if self.reads > after:
                    raise CallError(code, {})

    calls = Locked()
    calls.reads = -1
    tables = Tables(3, calls)
    calls.reads = 0
    # When the key is refused at the first, second ... request
    with pytest.raises(Unavailable):
        tables.send()
    # Then the failure is told, so that the queue keeps the message, and nobody was called before it was noted
    assert not tables.world.provider.accepted
    # And once the key is back, everybody is sent once
    calls.reads = -1
    tables.world.clock.advance(minutes=10)
    tables.send()
    assert set(tables.world.accepted().values()) <= {1}
    letters = tables.chunks.get(tables.ref)
    assert letters is not None
    assert len(tables.world.provider.accepted) + letters.letters.count("u") == 3


NEWER = ("hourly_limit", "daily_limit", "weight", "slice_chunks", "pause_reason", "criteria")
"""What runs had not when they were first stored."""


def test_079_an_item_of_an_older_version_is_read_with_what_it_lacks() -> None:
    run = World(1).launch()
    old = {name: value for name, value in to_plain(run).items() if name not in NEWER}
    read = from_plain(Run, old)
    defaults = {f.name: f.default for f in fields(Run)}
    assert (read.id, read.weight, read.hourly_limit) == (run.id, defaults["weight"], None)
    # And what it cannot be read as is told, not guessed
    with pytest.raises((ValueError, KeyError)):
        from_plain(Run, old | {"started_at": "yesterday"})


def test_130_code_of_before_a_change_reads_what_newer_code_has_stored() -> None:
    run = World(1).launch()
    newer = to_plain(run) | {"added_later": {"x": 1}}
    assert from_plain(Run, newer) == run
    calls = FakeDynamo()
    chunks = DynamoChunks(calls, "activity")
    item = dict(send_statements.chunk_item(Chunk(TENANT, "r1", 0, "..")))
    calls.put("activity", item | {"later": {"S": "x"}})
    chunk = chunks.get(ChunkRef(TENANT, "r1", 0))
    assert chunk is not None
    assert chunk.letters == ".."
    # And what it writes leaves the newer attribute where it is
    taken = chunks.take(chunk, "t1", 10)
    assert taken is not None
    assert chunks.mark(replace(taken, letters="a."), 0)
    stored = calls.find("activity", item["pk"]["S"], item["sk"]["S"])
    assert stored is not None
    assert stored["later"] == {"S": "x"}


def test_036_a_message_of_the_queue_names_its_people_and_never_holds_them() -> None:
    world = World(500)
    world.profiles = {c: replace(p, first_name="নাম" * 800) for c, p in world.profiles.items()}
    world._services(1)
    world.launch()
    (ref,) = world.queue.take()
    people = repr(world.audience.files[ref])
    assert len(people) > 1_048_576, "the people alone are more than a message may have"
    assert len(ref_body(ref)) < 200
    assert parse_ref(ref_body(ref)) == ref


def test_097_a_segment_that_is_counted_anew_while_a_run_is_planned_and_sent_changes_no_audience() -> None:
    world = World(12, slices=2)
    run = world.service.create_run(
        TENANT, email_campaign_id="e1", campaign_id=None, purpose="marketing", segment_ids=["s1"],
        content=world.launch().content, attribution_days=7, daily_cap=None, weekly_cap=None, expected_people=100_000,
    )  # fmt: skip
    seen: list[Any] = []
    members = world.planner.engine.members

    def watching(tenant: str, criteria: list[Any], **more: Any) -> Any:
        seen.append(criteria)
        return members(tenant, criteria, **more)

    object.__setattr__(world.planner.engine, "members", watching)
    world.planner.plan_slice(TENANT, run.id, 0)
    # When the segment gets other rules, and people leave and join while the first chunks are sent
    segment = world.segments.get(TENANT, "s1")
    assert segment is not None
    world.segments.replace(replace(segment, criteria={"logic": "OR"}, version=2), segment.version)
    frozen = {ref: list(people) for ref, people in world.audience.files.items()}
    for ref in world.queue.take():
        world.deliver(ref)
    world.planner.plan_slice(TENANT, run.id, 1)
    # Then planning still asks what was asked when the run began, and what was planned stays as it is
    assert seen[0] == seen[1] == list(run.criteria)
    assert {ref: list(world.audience.files[ref]) for ref in frozen} == frozen


def test_054_two_providers_with_one_id_are_two_messages() -> None:
    world = World(2)
    world.launch(daily_cap=None)
    world.deliver(world.queue.take()[0])
    first, second = world.provider.accepted
    # When two providers each tell of their message 7
    words = [
        replace(world.delivery_of(first), provider="ses", provider_id="7"),
        replace(world.delivery_of(second, "bounced", subtype="hard"), provider="other", provider_id="7"),
    ]
    world.receipts.record(words)
    # Then each word reaches its own message, since our own key names it; and each provider has its own watermark
    assert sorted((r.customer_id, r.state) for r in world.rows.rows.values()) == [
        ("c00000", "delivered"),
        ("c00001", "bounced"),
    ]
    assert set(world.evidence.marks) == {"ses", "other"}
