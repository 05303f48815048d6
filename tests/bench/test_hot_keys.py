"""How often one DynamoDB key is written at full speed. A key takes 1,000 writes a second, whatever the table can take."""

from __future__ import annotations

import pytest

from tests.bench.hot_keys import FullSpeed
from tests.bench.results_file import keep

GRANTED, SENDS, EVENTS, WORKERS, SECONDS = 7_000, 5_000, 2_000, 72, 8
"""So many senders use so much of what is granted that 5,000 mails a second leave."""
REACH = {
    "hottest_key": {"at_most": 100},
    "sends_a_second": {"at_least": 4_500},
    "events_a_second": {"at_least": 1_800},
}


@pytest.mark.bench
def test_no_key_is_written_a_hundred_times_a_second() -> None:
    # Given so many senders that they fill 5,000 mails a second, and readers of 2,000 events a second
    speed = FullSpeed(GRANTED, WORKERS)
    speed.launch("acme", SENDS * (SECONDS + 3))
    speed.stored("acme")
    speed.keys.clear()
    speed.records.clear()
    speed.read_events(EVENTS)
    # When they have worked for some seconds, and the stream was counted
    speed.time.run(SECONDS)
    speed.count_stream()
    # Then every kind of key stays far below what a key takes
    begin, end = 3, SECONDS
    kinds = speed.hottest(begin, end)
    figures = {
        "hottest_key": max(kinds.values()),
        "sends_a_second": round(speed.used(begin, end) * GRANTED),
        "events_a_second": round(speed.recorded / (SECONDS - 1)),
        "senders": WORKERS,
        "by_kind": kinds,
    }
    keep("hot_keys", figures, REACH)
