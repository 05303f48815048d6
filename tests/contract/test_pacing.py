"""What pacing keeps means the same in memory and in DynamoDB."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.pacer import DynamoRateBook, DynamoReadings, DynamoStalls, DynamoTallies
from meghdoot.adapters.memory.pacer import MemoryRateBook, MemoryReadings, MemoryStalls, MemoryTallies
from meghdoot.areas.messaging.model import Demand
from meghdoot.areas.messaging.pacing_model import FrameName, Page, Reading, Stall
from meghdoot.areas.messaging.pacing_ports import RateBook, Readings, Stalls, Tallies
from meghdoot.areas.messaging.slots import SlotPacer
from tests.contract.conftest import Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SOON = 4_000_000_000
FRAME = FrameName("ses#account", 100.0, 7)


@dataclass
class Office:
    """The adapters of one substrate."""

    book: RateBook
    tallies: Tallies
    readings: Readings
    stalls: Stalls

    def pacer(self, bound: float = 100.0, names: count[int] = count(1)) -> SlotPacer:
        """A process."""
        return SlotPacer(self.book, self.tallies, self.readings, self.stalls, bound, lambda: f"w{next(names)}")


@pytest.fixture
def office(substrate: Substrate) -> Office:
    if substrate.is_memory:
        return Office(MemoryRateBook(), MemoryTallies(), MemoryReadings(), MemoryStalls())
    calls, table = BotoCalls(substrate.client("dynamodb")), substrate.tables["work"]
    return Office(
        DynamoRateBook(calls, table),
        DynamoTallies(calls, table),
        DynamoReadings(calls, table),
        DynamoStalls(calls, table),
    )


def test_combs_are_taken_all_or_none(office: Office) -> None:
    assert office.book.claim(FRAME, [0, 3, 12], "one", SOON) == (True, Page(frozenset({0, 3, 12}), frozenset({"one"})))
    done, page = office.book.claim(FRAME, [1, 3], "two", SOON)
    assert (done, page.taken) == (False, {0, 3, 12})
    assert office.book.claim(FRAME, [1, 2], "two", SOON)[0]
    (found, empty), _ = office.book.look([FRAME, replace(FRAME, number=8)])
    assert found == Page(frozenset({0, 1, 2, 3, 12}), frozenset({"one", "two"}))
    assert empty == Page()


def test_a_claim_that_is_repeated_after_a_lost_reply_meets_its_own_work(office: Office) -> None:
    office.book.claim(FRAME, [5], "one", SOON)
    assert office.book.claim(FRAME, [5], "one", SOON)[0]


def test_a_word_without_combs_is_written_too(office: Office) -> None:
    assert office.book.claim(FRAME, [], "waiting", SOON) == (True, Page(frozenset(), frozenset({"waiting"})))


def test_frames_of_two_rates_or_lines_have_nothing_in_common(office: Office) -> None:
    office.book.claim(FRAME, [5], "one", SOON)
    assert office.book.claim(replace(FRAME, rate=50.0), [5], "two", SOON)[0]
    assert office.book.claim(replace(FRAME, line="sms#account"), [5], "two", SOON)[0]


def test_who_waits_is_seen_by_all_until_it_is_struck(office: Office) -> None:
    office.book.wait("ses#account", "a.1", SOON)
    office.book.wait("ses#account", "b.1", SOON)
    assert office.book.look([FRAME])[1] == {"a.1", "b.1"}
    office.book.forget("ses#account", {"a.1"})
    assert office.book.look([FRAME])[1] == {"b.1"}
    assert office.book.look([replace(FRAME, line="sms#account")])[1] == frozenset()


def test_a_tally_never_passes_its_limit(office: Office) -> None:
    taken = [office.tallies.take("k", 40, 100, SOON) for _ in range(4)]
    assert taken == [40, 40, 20, 0]
    assert office.tallies.take("k", 10, 105, SOON) == 5
    assert office.tallies.take("other", 10, 5, SOON) == 5
    assert office.tallies.take("none", 10, 0, SOON) == 0
    assert office.tallies.sums(["k", "absent", "other"]) == [105, 0, 5]


def test_the_newest_reading_replaces_the_one_before(office: Office) -> None:
    reading = Reading(14.0, 1.0, NOW, 50_000, 20, NOW)
    assert office.readings.get("ses#account") is None
    office.readings.put("ses#account", reading)
    assert office.readings.get("ses#account") == reading
    changed = Reading(50.0, None, NOW, None, 0, NOW, sending_enabled=False, in_sandbox=True)
    office.readings.put("ses#account", changed)
    assert office.readings.get("ses#account") == changed


def test_a_stall_keeps_its_beginning_while_one_reason_goes_on(office: Office) -> None:
    hour = NOW + timedelta(hours=1)
    assert office.stalls.get("t", "r") is None
    office.stalls.note("t", "r", "quota", NOW, hour)
    office.stalls.note("t", "r", "quota", hour, hour + timedelta(hours=1))
    assert office.stalls.get("t", "r") == Stall("quota", NOW, hour + timedelta(hours=1))
    office.stalls.note("t", "r", "ramp", hour, hour + timedelta(hours=1))
    assert office.stalls.get("t", "r") == Stall("ramp", hour, hour + timedelta(hours=1))
    late = NOW + timedelta(days=1)
    office.stalls.note("t", "r", "ramp", late, late + timedelta(hours=1))
    assert office.stalls.get("t", "r") == Stall("ramp", late, late + timedelta(hours=1)), "it had gone on in between"


def test_039_processes_that_begin_at_once_share_the_frames_and_burst_nowhere(office: Office) -> None:
    pacers = [office.pacer() for _ in range(3)]
    got: list[float] = []
    for step in range(30):
        at = NOW + timedelta(seconds=0.1 * step)
        for n, pacer in enumerate(pacers):
            lease = pacer.lease(Demand("ses", "account", f"t{n}", "r"), 100, at)
            got += [round(at.timestamp() + slot, 6) for slot in lease.slots]
    assert len(got) == len(set(got))
    got.sort()
    assert all(later - earlier > 0.0101 - 1e-5 for earlier, later in pairwise(got))
    assert len(got) >= 0.9 * 100 * 2.9
