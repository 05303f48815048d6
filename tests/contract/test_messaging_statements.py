"""The statements of the send protocol mean the same in memory, as conditional item calls, and as PartiQL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.chunks import DynamoChunks
from meghdoot.adapters.dynamodb.evidence import DynamoEvidence
from meghdoot.adapters.dynamodb.gates import DynamoGates
from meghdoot.adapters.dynamodb.sends import DynamoSendRows
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.messaging import MemoryChunks, MemoryEvidence, MemoryGates, MemorySendRows
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.model import Chunk, ChunkRef, ClaimRequest, SendRow
from meghdoot.areas.messaging.ports import Chunks, Evidence, Gates, SendRows
from tests.contract.conftest import Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass
class Place:
    """The adapters of one substrate, and a way to store a gate."""

    gates: Gates
    chunks: Chunks
    rows: SendRows
    evidence: Evidence
    put: Any

    def put_gate(self, gate: ContactGate) -> None:
        self.put(gate)


@pytest.fixture
def place(substrate: Substrate) -> Place:
    if substrate.is_memory:
        store = GateStore()
        return Place(MemoryGates(store), MemoryChunks(), MemorySendRows(), MemoryEvidence(), store.put)
    client = substrate.client("dynamodb")
    calls, names = BotoCalls(client), substrate.tables
    how = {"as_items": substrate.name == "moto", "pause": lambda _seconds: None}

    def put(gate: ContactGate) -> None:
        item = {"pk": {"S": f"{gate.tenant}#C#{gate.customer_id}"}, "sk": {"S": "GATE"}, "v": {"N": str(gate.version)}}
        if gate.granted:
            item["c"] = {"SS": sorted(gate.granted)}
        if gate.suppressed:
            item["x"] = {"SS": sorted(gate.suppressed)}
        if gate.zone:
            item["z"] = {"S": gate.zone}
        if gate.counted:
            item["k"] = {"S": gate.counted}
        client.put_item(TableName=names["people"], Item=item)

    return Place(
        DynamoGates(calls, names["people"], **how), DynamoChunks(calls, names["activity"], **how),
        DynamoSendRows(calls, names["activity"], **how),
        DynamoEvidence(calls, names["work"]), put,
    )  # fmt: skip


def gate(n: int = 1, **more: Any) -> ContactGate:
    return ContactGate("t1", f"c{n}", more.pop("version", 3), more.pop("granted", frozenset({"em:m", "sm:m"})), **more)


def claim(n: int = 1, version: int = 3, counted: str = "key:abc:0") -> ClaimRequest:
    return ClaimRequest("t1", f"c{n}", version, "em:m", counted)


def test_gates_are_read_whole_and_absent_ones_are_left_out(place: Place) -> None:
    first = gate(1, suppressed=frozenset({"sm"}), zone="Asia/Dhaka", counted="a:b:c")
    place.put_gate(first)
    place.put_gate(gate(2, granted=frozenset()))
    assert place.gates.read("t1", ["c1", "c2", "c3"]) == {"c1": first, "c2": gate(2, granted=frozenset())}
    assert place.gates.read("t", ["c1"]) == {}


def test_more_gates_than_one_call_takes_are_all_read(place: Place) -> None:
    for n in range(120):
        place.put_gate(gate(n))
    assert len(place.gates.read("t1", [f"c{n}" for n in range(130)])) == 120


def test_a_claim_counts_the_key_and_raises_the_version(place: Place) -> None:
    place.put_gate(gate())
    (result,) = place.gates.claim([claim()])
    assert result.claimed
    assert place.gates.read("t1", ["c1"])["c1"] == gate(version=4, counted="key:abc:0")


def test_each_claim_of_a_batch_has_its_own_result(place: Place) -> None:
    # Given people of whom one changed since they were read, one withdrew, one is gone, two stand as read
    for stored in [gate(0), gate(1, version=9), gate(2, granted=frozenset({"sm:m"})), gate(4)]:
        place.put_gate(stored)
    # When all are claimed in one batch
    results = place.gates.claim([claim(n) for n in range(5)])
    # Then each fares on its own, and a refusal brings the gate as it stands
    assert [r.claimed for r in results] == [True, False, False, False, True]
    assert results[1].gate == gate(1, version=9)
    assert results[2].gate == gate(2, granted=frozenset({"sm:m"}))
    assert results[3].gate is None
    assert place.gates.read("t1", ["c1"])["c1"].counted == ""


def test_a_claim_of_somebody_absent_creates_nobody(place: Place) -> None:
    (result,) = place.gates.claim([claim()])
    assert (result.claimed, result.gate) == (False, None)
    assert place.gates.read("t1", ["c1"]) == {}


def test_a_gate_without_grants_refuses(place: Place) -> None:
    place.put_gate(gate(granted=frozenset()))
    assert not place.gates.claim([claim()])[0].claimed


def test_a_repeated_batch_recognises_its_own_work(place: Place) -> None:
    for n in range(30):
        place.put_gate(gate(n))
    requests = [claim(n) for n in range(30)]
    assert all(r.claimed for r in place.gates.claim(requests[:25]))
    again = place.gates.claim(requests)
    assert all(r.claimed for r in again)
    assert {g.version for g in place.gates.read("t1", [f"c{n}" for n in range(30)]).values()} == {4}


def test_somebody_elses_claim_is_not_taken_for_ones_own(place: Place) -> None:
    place.put_gate(gate())
    assert place.gates.claim([claim(counted="mine:1:0")])[0].claimed
    refused = place.gates.claim([claim(counted="other:1:0")])[0]
    assert not refused.claimed
    assert refused.gate == gate(version=4, counted="mine:1:0")


REF = ChunkRef("t1", "r1", 100_003)


def chunk(letters: str = "...", **more: Any) -> Chunk:
    return Chunk("t1", "r1", 100_003, letters, **more)


def test_a_chunk_is_created_once_and_read_back_whole(place: Place) -> None:
    made = chunk("..n", queued_until=77, expires_at=2_000_000_000)
    assert place.chunks.create(made)
    assert not place.chunks.create(chunk("xxx"))
    assert place.chunks.get(REF) == made
    assert place.chunks.get(ChunkRef("t1", "r1", 4)) is None


def test_chunks_are_read_by_number_in_the_order_asked_for(place: Place) -> None:
    for number in (0, 1, 2):
        place.chunks.create(replace(chunk(), number=number))
    assert [c.number for c in place.chunks.get_many("t1", "r1", [2, 7, 0])] == [2, 0]


def test_only_one_of_two_takes_the_chunk_that_both_have_read(place: Place) -> None:
    place.chunks.create(chunk())
    read = place.chunks.get(REF)
    assert read is not None
    assert place.chunks.take(read, "mine", 500) == replace(read, token="mine", lease_until=500)
    assert not place.chunks.take(read, "other", 500)
    assert place.chunks.take(read, "mine", 500), "a repeated take meets its own token"
    assert place.chunks.get(REF) == chunk(token="mine", lease_until=500)


def test_a_chunk_without_work_is_not_taken(place: Place) -> None:
    place.chunks.create(chunk("aaf"))
    assert not place.chunks.take(chunk("aaf"), "mine", 500)
    assert not place.chunks.take(replace(chunk(), number=9), "mine", 500)


def test_a_marker_with_an_old_token_is_refused(place: Place) -> None:
    place.chunks.create(chunk())
    place.chunks.take(chunk(), "first", 500)
    place.chunks.take(chunk(token="first"), "second", 600)
    assert not place.chunks.mark(chunk("ccc", token="first"), 700)
    assert place.chunks.mark(chunk("cc.", token="second", parked_at=9, queued_until=5), 700)
    assert place.chunks.get(REF) == chunk("cc.", token="second", lease_until=700, parked_at=9, queued_until=5)


def test_a_mark_without_work_left_ends_the_chunk(place: Place) -> None:
    place.chunks.create(chunk())
    place.chunks.take(chunk(), "mine", 500)
    assert place.chunks.mark(chunk("aan", token="mine"), 0)
    assert not place.chunks.take(chunk("aan", token="mine"), "next", 900)


def test_a_giving_back_that_is_repeated_undoes_no_lift_and_a_late_mark_writes_nothing(place: Place) -> None:
    place.chunks.create(chunk())
    place.chunks.take(chunk(), "mine", 500)
    assert place.chunks.mark(chunk("uaa", token="mine"), 0)
    assert place.chunks.lift(REF, "uaa", "aaa")
    assert place.chunks.mark(chunk("uaa", token="mine"), 0), "a repeated giving back meets its own token"
    assert not place.chunks.mark(chunk("ccc", token="mine"), 700), "it was given back"
    assert not place.chunks.mark(chunk("uaa", token="old"), 0)
    assert place.chunks.get(REF) == chunk("aaa", token="mine")


def test_a_message_on_its_way_is_noted_only_where_the_chunk_is_as_it_was_read(place: Place) -> None:
    place.chunks.create(chunk(queued_until=5))
    assert place.chunks.queued(chunk(queued_until=5), 900)
    assert not place.chunks.queued(chunk(queued_until=5), 950), "another one was noted"
    assert not place.chunks.queued(chunk(token="x", queued_until=900), 950), "somebody took it"
    assert place.chunks.get(REF) == chunk(queued_until=900)


def test_letters_are_lifted_only_where_the_chunk_was_given_back_and_is_as_read(place: Place) -> None:
    place.chunks.create(chunk("uu."))
    place.chunks.take(chunk("uu."), "mine", 500)
    assert not place.chunks.lift(REF, "uu.", "au."), "somebody owns it"
    place.chunks.mark(chunk("uu.", token="mine"), 0)
    assert not place.chunks.lift(REF, "u..", "a.."), "it is not as read"
    assert place.chunks.lift(REF, "uu.", "aua")
    assert place.chunks.get(REF) == chunk("aua", token="mine")
    assert not place.chunks.take(chunk(token="mine"), "next", 900), "no work is left"


def row(n: int = 1, state: Any = "delivered", **more: Any) -> SendRow:
    values: dict[str, Any] = {"at": NOW, "provider_id": f"p{n}"} | more
    return SendRow("t1", f"c{n}", f"{n:032x}", "202601050900", state, "r1", 2, n, values.pop("at"), "ses", **values)


def keys(*numbers: int) -> list[tuple[str, str, str]]:
    return [(f"c{n}", "202601050900", f"{n:032x}") for n in numbers]


def test_rows_are_born_once_each_and_read_back_whole(place: Place) -> None:
    assert place.rows.born([row(n) for n in range(30)]) == [True] * 30
    assert place.rows.born([row(3, "complained"), row(31, "bounced", reason="Permanent/General")]) == [False, True]
    found = place.rows.get_many("t1", keys(3, 31, 99))
    assert found == {r.send_key: r for r in (row(3), row(31, "bounced", reason="Permanent/General"))}


def test_a_row_only_climbs(place: Place) -> None:
    place.rows.born([row()])
    later = NOW + timedelta(minutes=1)
    assert not place.rows.climb(row(state="accepted"))
    assert not place.rows.climb(row(state="delivered"))
    assert place.rows.climb(row(state="complained", at=later, reason="abuse"))
    assert not place.rows.climb(row(state="bounced"))
    assert not place.rows.climb(row(7, "bounced")), "nobody is born by climbing"
    (found,) = place.rows.get_many("t1", keys(1)).values()
    assert found == row(state="complained", at=later, reason="abuse")


def test_the_watermark_only_moves_forward(place: Place) -> None:
    assert place.evidence.watermark("ses") is None
    place.evidence.heard("ses", NOW)
    place.evidence.heard("ses", NOW - timedelta(hours=1))
    assert place.evidence.watermark("ses") == NOW
    assert place.evidence.watermark("local") is None
