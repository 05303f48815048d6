"""Requests of keys and tenants are limited apart from each other, with few writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from meghdoot.adapters.memory.pacer import MemoryTallies
from meghdoot.http.rates import WINDOW_SECONDS, RequestRates
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Throttled, Unavailable
from tests.unit.http.test_endpoint import World


@dataclass
class Counted(MemoryTallies):
    """Counts its writes, and can be away."""

    writes: list[str] = field(default_factory=list)
    away: bool = False

    def take(self, key: str, wanted: int, limit: int, expires_at: int) -> int:
        if self.away:
            raise Unavailable("away")
        self.writes.append(key)
        return super().take(key, wanted, limit, expires_at)


def rates(counts: Counted, clock: ManualClock, told: Callable[[str], None] = lambda _code: None) -> RequestRates:
    return RequestRates(counts, clock, per_key=5, per_tenant=8, told=told)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))


def let_in(guard: RequestRates, times: int, tenant: str = "acme", actor: str = "k1") -> int:
    count = 0
    for _ in range(times):
        try:
            guard.check(tenant, actor)
        except Throttled:
            continue
        count += 1
    return count


def test_025_a_refusal_says_when_there_is_room_again(clock: ManualClock) -> None:
    guard = rates(Counted(), clock)
    let_in(guard, 500)
    clock.advance(seconds=4)
    with pytest.raises(Throttled) as refused:
        guard.check("acme", "k1")
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("rate_limited", 429, 6)


def test_025_a_key_that_runs_wild_is_stopped_and_its_tenant_and_the_others_are_not(clock: ManualClock) -> None:
    guard = rates(Counted(), clock)
    assert let_in(guard, 500) == 50
    # Then another key of the tenant has what is left of the tenant's share, and another tenant all of its own
    assert let_in(guard, 500, actor="k2") == 30
    assert let_in(guard, 500, tenant="other") == 50
    # And with the next ten seconds there is room again
    clock.advance(seconds=WINDOW_SECONDS)
    assert let_in(guard, 500) == 50


def test_025_processes_share_the_limit(clock: ManualClock) -> None:
    counts = Counted()
    guards = [rates(counts, clock) for _ in range(4)]
    assert sum(let_in(guard, 100) for guard in guards) == 50


def test_a_write_pays_for_many_requests_and_a_refusal_for_none(clock: ManualClock) -> None:
    counts = Counted()
    guard = RequestRates(counts, clock, per_key=50, per_tenant=80)
    assert let_in(guard, 400) == 400
    assert len(counts.writes) == 40 + 25
    let_in(guard, 10_000)
    assert len(counts.writes) < 100, "who is refused asks no more in this window"


def test_while_the_database_is_away_requests_are_let_in_and_it_is_told(clock: ManualClock) -> None:
    counts, told = Counted(away=True), list[str]()
    assert let_in(rates(counts, clock, told.append), 100) == 100
    assert set(told) == {"unavailable"}


def test_025_the_endpoint_answers_with_a_problem_that_says_when_to_come_back(clock: ManualClock) -> None:
    world = World()
    world.endpoint = world.endpoint.limited(RequestRates(Counted(), world.clock, per_key=0.2, per_tenant=1))
    answers = [world.send({"name": "a"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 429]
    assert json.loads(answers[2].body)["code"] == "rate_limited"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= WINDOW_SECONDS
    assert world.send({"name": "b"}, tenant="other").status == 201
