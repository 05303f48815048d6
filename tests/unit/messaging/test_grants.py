"""What the provider grants is asked for every few minutes, and a new rate is used by all from one instant on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from meghdoot.adapters.email.ses_account import LocalAccountReader, SesAccountReader
from meghdoot.adapters.memory.pacer import (
    MemoryAccountReader,
    MemoryRateBook,
    MemoryReadings,
    MemoryStalls,
    MemoryTallies,
)
from meghdoot.areas.messaging.grants import ASK_EVERY, SWITCH_AFTER, GrantService
from meghdoot.areas.messaging.model import Demand
from meghdoot.areas.messaging.pacing_model import Grant
from meghdoot.areas.messaging.slots import READING_AGE, SlotPacer
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Unavailable

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LINE = "ses#account"


class Asked:
    """A grant service with all that it needs."""

    def __init__(self, grant: Grant | None) -> None:
        self.clock, self.reader = ManualClock(NOW), MemoryAccountReader(grant)
        self.readings, self.tallies = MemoryReadings(), MemoryTallies()
        self.service = GrantService(self.reader, self.readings, self.tallies, self.clock, LINE)

    def pacer(self, bound: float = 0.0) -> SlotPacer:
        return SlotPacer(MemoryRateBook(), self.tallies, self.readings, MemoryStalls(), bound, lambda: "w1")

    def spacing(self, pacer: SlotPacer) -> float:
        return pacer.lease(Demand("ses", "account", "t"), 1, self.clock.now()).spacing


def test_the_provider_is_asked_every_few_minutes() -> None:
    asked = Asked(Grant(14.0, 50_000, 120))
    reading = asked.service.refresh()
    assert reading is not None
    assert (reading.rate, reading.max_24h, reading.others_24h) == (14.0, 50_000, 120)
    asked.clock.advance(seconds=ASK_EVERY.total_seconds() - 1)
    assert asked.service.refresh() is None
    asked.clock.advance(seconds=1)
    assert asked.service.refresh() is not None


def test_a_provider_that_does_not_answer_leaves_what_is_known() -> None:
    asked = Asked(Grant(14.0, None))
    first = asked.service.refresh()
    asked.reader.grant = None
    asked.clock.advance(minutes=5)
    with pytest.raises(Unavailable):
        asked.service.refresh()
    assert asked.readings.get(LINE) == first


def test_no_two_senders_use_two_rates_at_once() -> None:
    asked = Asked(Grant(10.0, None))
    asked.service.refresh()
    asked.clock.advance(minutes=5)
    early, late = asked.pacer(), asked.pacer()
    assert asked.spacing(early) == pytest.approx(0.101, abs=1e-3)
    asked.reader.grant = Grant(50.0, None)
    asked.service.refresh()
    asked.spacing(late)
    for _ in range(int(SWITCH_AFTER.total_seconds())):
        assert asked.spacing(early) == asked.spacing(late) == pytest.approx(0.101, abs=1e-3)
        asked.clock.advance(seconds=1)
    assert asked.spacing(early) == asked.spacing(late) == pytest.approx(0.0202, abs=1e-4)
    assert SWITCH_AFTER > READING_AGE


def test_a_rate_that_stays_is_not_switched_again() -> None:
    asked = Asked(Grant(10.0, None))
    first = asked.service.refresh()
    asked.clock.advance(minutes=4)
    second = asked.service.refresh()
    assert first is not None
    assert second is not None
    assert second.switch_at == first.switch_at


def test_048_what_others_of_the_account_have_sent_is_taken_from_the_quota_once() -> None:
    asked = Asked(Grant(100.0, 1000, 300))
    asked.service.refresh()
    pacer = asked.pacer(bound=100.0)
    lease = pacer.lease(Demand("ses", "account", "t", "r", left=500), 25, NOW)
    assert lease.count == 25
    assert list(asked.tallies.counts.values()) == [25]
    asked.clock.advance(minutes=5)
    # The provider has seen 20 of ours by now: those in hand are taken as sent
    asked.reader.grant = Grant(100.0, 1000, 320)
    reading = asked.service.refresh()
    assert reading is not None
    assert reading.others_24h == 295


def test_an_account_without_a_rate_is_taken_at_the_slowest_pace() -> None:
    asked = Asked(Grant(0.0, 0, sending_enabled=False))
    reading = asked.service.refresh()
    assert reading is not None
    assert (reading.rate, reading.sending_enabled) == (1.0, False)


class FakeSes:
    """As much of the client as is asked."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer

    def get_account(self) -> dict[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_ses_is_read_as_its_answer_says() -> None:
    quota = {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 125.0}
    answer = {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": False}
    assert SesAccountReader(FakeSes(answer)).read() == Grant(14.0, 50_000, 125, True, True)
    unlimited = {"SendQuota": {**quota, "Max24HourSend": -1.0}, "ProductionAccessEnabled": True}
    assert SesAccountReader(FakeSes(unlimited)).read() == Grant(14.0, None, 125)


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "TooManyRequestsException"}}, "GetAccount"),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_ses_that_does_not_answer_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable):
        SesAccountReader(FakeSes(error)).read()


def test_the_local_provider_grants_what_the_settings_say() -> None:
    assert LocalAccountReader(200.0).read() == Grant(200.0, None)
    assert LocalAccountReader(0.0).read().rate == 1000.0
