"""How well the granted rate is used, and how long anybody waits: real senders over the pacer, in virtual time.

Everything takes its time: a call of the provider 20 to 100 ms, of the tables 4 to 16 ms, of the queue 10 to 40 ms; one
call in a hundred is throttled. A sender makes one call at a time, so the rate is four a second for each of them. The big
tenant's backlog outlasts the measurement, as that of a million would.
"""

from __future__ import annotations

from random import Random

import pytest

from meghdoot.areas.messaging.model import Demand
from tests.bench.results_file import keep
from tests.bench.virtual_senders import Latency, Senders, urgent

pytestmark = pytest.mark.bench

WORKERS = (1, 2, 5, 10, 20)
RATE_A_WORKER = 4
WARM, SECONDS, SEEDS = 5.0, 60.0, 2
REACH = {
    "used_at_least": {"at_least": 0.98}, "seconds_above_the_rate": {"at_most": 0}, "small_tenant_waits": {"at_most": 2.0},
    "urgent_waits": {"at_most": 1.2}, "hottest_key": {"at_most": 100}, "calls_per_1000": {"at_most": 12},
}  # fmt: skip


def backlog(workers: int, seed: int) -> Senders:
    """Senders with more to do than the measurement lasts."""
    senders = Senders(RATE_A_WORKER * workers, workers, seed=seed)
    senders.launch("big", int(senders.rate * SECONDS) + 500 * workers)
    return senders


def alone(workers: int, seed: int) -> tuple[float, bool]:
    """One tenant: the part of the rate that is used, and whether any second had more than the rate."""
    senders = backlog(workers, seed)
    senders.time.run(SECONDS)
    return senders.used(WARM, SECONDS), senders.most_in_a_second() > senders.rate


def small_tenant(workers: int, seed: int) -> tuple[float, bool]:
    """A tenant of 100 comes in between: how long it waits for its first mail."""
    senders, at = backlog(workers, seed), 20 + seed * 0.37
    senders.time.run(at)
    senders.launch("small", 100)
    senders.time.run(at + 20)
    return senders.first_call("small") - at, senders.most_in_a_second() > senders.rate


def single_mails(workers: int, seed: int) -> tuple[float, bool]:
    """Single transactional mails from a process of their own: the longest wait for a slot."""
    senders, waits, chance = backlog(workers, seed), list[float](), Random(seed)
    pacer, time = senders.pacer("urgent"), senders.time

    def send() -> None:
        while True:
            time.sleep(chance.uniform(2, 5))
            asked = time.at
            while not (lease := pacer.lease(urgent("shop"), 1, time.now())).count:
                time.sleep(lease.wait)
            time.sleep(lease.wait)
            waits.append(time.at - asked)
            senders.calls.append((time.at, "shop"))

    time.start(send, at=10.0)
    time.run(60.0)
    return max(waits), senders.most_in_a_second() > senders.rate


def hottest_key() -> int:
    """The most writes to one key of pacing in a second, at 5,000 sends a second by 20 senders of quick calls."""
    senders = Senders(5000, 20, latency=Latency((0.001, 0.003), (0.001, 0.002), (0.001, 0.002)))
    senders.launch("big", 5000 * 6)
    senders.time.run(4.0)
    assert len(senders.calls) > 4.0 * 5000 * 0.5, "they were busy"
    return senders.hottest_key()


def calls_per_1000() -> float:
    """Reads and writes of pacing for 1,000 people at 300 a second, by one process alone."""
    seen: list[str] = []
    senders = Senders(300, 0)
    senders.book.io = seen.append
    pacer, time = senders.pacer("w"), senders.time
    demand, got = Demand("ses", "account", "t", "r"), 0

    def work() -> None:
        nonlocal got
        while got < 30_000:
            lease = pacer.lease(demand, 25, time.now())
            got += lease.count
            time.sleep((lease.slots[-1] if lease.count else lease.wait) + 0.001)

    time.start(work)
    time.run(200.0)
    return round(len(seen) / 2 / (got / 1000), 2)


def test_the_rate_is_filled_and_never_passed_and_nobody_waits_long() -> None:
    lone = {(w, seed): alone(w, seed) for w in WORKERS for seed in range(SEEDS)}
    small = {(w, seed): small_tenant(w, seed) for w in WORKERS for seed in range(SEEDS)}
    single = {(w, seed): single_mails(w, seed) for w in WORKERS[2:] for seed in range(SEEDS)}
    every = [*lone.values(), *small.values(), *single.values()]
    measured = {
        "used_at_least": round(min(used for used, _ in lone.values()), 4),
        "used_by_senders": {str(w): round(min(lone[w, seed][0] for seed in range(SEEDS)), 4) for w in WORKERS},
        "seconds_above_the_rate": sum(above for _, above in every),
        "small_tenant_waits": round(max(waited for waited, _ in small.values()), 2),
        "urgent_waits": round(max(waited for waited, _ in single.values()), 2),
        "hottest_key": hottest_key(),
        "calls_per_1000": calls_per_1000(),
    }
    keep("pacing", measured, REACH)
