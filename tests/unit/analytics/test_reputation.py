"""The reputation of a tenant: counted exactly, judged by a pure rule, and marketing stopped before the provider acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.adapters.dynamodb.streams import activity_batch
from meghdoot.adapters.memory.counters import MemoryCounters, MemoryReputationMarks
from meghdoot.adapters.memory.holding import MemoryHolds
from meghdoot.adapters.memory.messaging import MemoryLiveRuns
from meghdoot.areas.analytics import reputation_rules as rules
from meghdoot.areas.analytics.counter_service import CounterService
from meghdoot.areas.analytics.counting import fate_deltas, padded
from meghdoot.areas.analytics.model import WHOLE_TENANT, Change
from meghdoot.areas.analytics.reputation import ReputationService, ReputationWatch
from meghdoot.areas.analytics.reputation_rules import Limits, Mark, Sums, Verdict, judge
from meghdoot.areas.messaging.sending import SendingService
from tests.support.killing import TENANT, World

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
HARD, SOFT = "Permanent/General 5.1.1", "Transient/MailboxFull"


class Watched:
    """A tenant with a live run, its counters, and the watch over it."""

    def __init__(self) -> None:
        self.world = world = World(60)
        self.run = world.launch()
        self.counters, self.marks, self.live = MemoryCounters(), MemoryReputationMarks(), MemoryLiveRuns()
        self.live.add(TENANT, self.run.id)
        self.holds: MemoryHolds = world.holds
        sending = SendingService(world.holds, world.service, world.clock)
        self.service = ReputationService(self.counters, self.marks, world.holds, sending, world.clock, Limits())
        self.watch = ReputationWatch(self.service, self.live)
        self.sequence = 0

    def happened(self, tenant: str = TENANT, **sums: int) -> None:
        """Fates of messages, counted now."""
        self.sequence += 1
        hour = rules.hour_of(self.world.clock.now())
        self.counters.apply([Change(tenant, WHOLE_TENANT, hour, padded(str(self.sequence)), sums)])

    def state(self) -> str:
        return self.service.standing(TENANT).verdict.state


def test_134_nothing_is_judged_below_a_thousand_answered_messages() -> None:
    assert judge(Sums(500, 499), Limits()) == Verdict("too_few")
    assert judge(Sums(500, 500), Limits()) == Verdict("pause", "bounce_rate")


@pytest.mark.parametrize(
    ("sums", "verdict"),
    [
        (Sums(1000), Verdict("good")),
        (Sums(9801, 199), Verdict("good")),
        (Sums(9800, 200), Verdict("warn", "bounce_rate")),
        (Sums(9501, 499), Verdict("warn", "bounce_rate")),
        (Sums(9500, 500), Verdict("pause", "bounce_rate")),
        (Sums(10_000, complained=9), Verdict("good")),
        (Sums(10_000, complained=10), Verdict("warn", "complaint_rate")),
        (Sums(10_000, complained=29), Verdict("warn", "complaint_rate")),
        (Sums(10_000, complained=30), Verdict("pause", "complaint_rate")),
        (Sums(10_000, soft_bounced=5000), Verdict("good")),
        (Sums(9800, 200, complained=100), Verdict("pause", "complaint_rate")),
    ],
)
def test_134_two_percent_of_bounces_or_a_tenth_of_a_percent_of_complaints_warn_and_more_stops(
    sums: Sums, verdict: Verdict
) -> None:
    assert judge(sums, Limits()) == verdict


def test_134_a_tenant_above_the_stop_sends_no_marketing_until_a_person_resumes() -> None:
    # Given a campaign in the middle, whose mails come back
    house = Watched()
    world = house.world
    world.deliver(world.queue.take()[0], seconds=21)
    before = world.provider.calls
    house.happened(delivered=1000, bounced=60)
    # When the watch looks
    ((standing, stopped),) = house.watch.watch()
    # Then marketing is held, with words in both languages, and nobody is called
    assert stopped
    hold = house.holds.get(TENANT)
    assert hold is not None
    assert (hold.scope, hold.cause, hold.by) == ("marketing", "bounce_rate", "reputation-watch")
    assert "5.7%" in hold.words
    assert "5.7%" in str(hold.words_bn)
    assert standing.verdict == Verdict("pause", "bounce_rate")
    world.clock.advance(hours=2)
    world.sweeper.sweep_all()
    assert [world.deliver(ref).result for ref in world.queue.take()] == []
    assert world.provider.calls == before
    # And looking again sets nothing new
    house.happened(delivered=1000, bounced=60)
    assert [stopped for _, stopped in house.watch.watch()] == [False]
    # And after a person has resumed all go on, once each, and the old numbers stop nobody again
    house.service.resume(TENANT)
    assert house.watch.watch() == []
    assert house.state() == "too_few"
    world.drain()
    assert set(world.accepted().values()) == {1}
    assert len(world.accepted()) == 60


def test_134_after_a_resume_only_what_comes_then_is_judged_and_it_stops_again() -> None:
    house = Watched()
    house.happened(delivered=1000, bounced=100)
    assert [stopped for _, stopped in house.watch.watch()] == [True]
    house.service.resume(TENANT)
    house.happened(delivered=899, bounced=100)
    assert house.state() == "too_few"
    house.happened(delivered=1)
    assert [stopped for _, stopped in house.watch.watch()] == [True]


def test_134_lifting_a_kill_switch_forgives_no_rates() -> None:
    house = Watched()
    house.happened(delivered=1000, bounced=100)
    house.service.sending.stop(TENANT, "key:ops", "Wrong price")
    house.service.resume(TENANT)
    assert [stopped for _, stopped in house.watch.watch()] == [True]


def test_134_what_is_older_than_a_day_counts_no_more_and_other_tenants_never_did() -> None:
    house = Watched()
    house.happened(delivered=1000, bounced=100)
    house.happened(tenant="other", delivered=90_000)
    assert house.state() == "pause"
    house.world.clock.advance(hours=23)
    assert house.state() == "pause"
    house.world.clock.advance(hours=1)
    assert house.state() == "too_few"


def test_a_tenant_is_warned_before_anything_is_held() -> None:
    house = Watched()
    house.happened(delivered=980, bounced=20)
    ((standing, stopped),) = house.watch.watch()
    assert (standing.verdict.state, stopped) == ("warn", False)
    assert house.holds.get(TENANT) is None


def test_limits_that_make_no_sense_fail_at_the_start() -> None:
    assert rules.parse_limits("0.02,0.05,0.001,0.003,1000") == Limits()
    for text in ("", "0.02,0.05,0.001,0.003", "0.05,0.02,0.001,0.003,1000", "0,0.05,0.001,0.003,1000",
                 "0.02,1.5,0.001,0.003,1000", "0.02,0.05,0.001,0.003,0", "a,b,c,d,e"):  # fmt: skip
        with pytest.raises(ValueError, match=r".+"):
            rules.parse_limits(text)


def test_days_are_those_of_utc_and_none_is_left_out() -> None:
    hours: Mapping[str, Mapping[str, int]] = {"2026010500": {"delivered": 3}, "2026010423": {"delivered": 2}}
    days = rules.by_day(hours, NOW)
    assert len(days) == rules.DAYS_SHOWN
    assert [(day, sums.delivered) for day, sums in days[:3]] == [
        ("2026-01-05", 3),
        ("2026-01-04", 2),
        ("2026-01-03", 0),
    ]


FATES = [("accepted", None), ("delivered", None), ("bounced", SOFT), ("bounced", HARD), ("complained", "abuse")]


@given(st.lists(st.sampled_from(FATES), min_size=1, max_size=4))
def test_whatever_a_row_goes_through_its_last_fate_is_counted_once(path: list[tuple[str, str | None]]) -> None:
    sums: dict[str, int] = {}
    for old, new in zip([None, *path], path, strict=False):
        for name, count in fate_deltas(old, new).items():
            sums[name] = sums.get(name, 0) + count
    wanted = {
        "accepted": {}, "delivered": {"delivered": 1}, "complained": {"delivered": 1, "complained": 1},
        "bounced": {"bounced": 1} if path[-1][1] == HARD else {"soft_bounced": 1},
    }[path[-1][0]]  # fmt: skip
    assert {name: count for name, count in sums.items() if count} == wanted


def test_the_mark_takes_away_what_its_hour_had_counted_and_all_before() -> None:
    hours = {"2026010507": {"bounced": 5}, "2026010508": {"bounced": 30}, "2026010509": {"bounced": 7}}
    mark = Mark(TENANT, NOW - timedelta(hours=1), {"bounced": 10})
    assert rules.judged(hours, mark, NOW).bounced == 27
    assert rules.judged(hours, None, NOW).bounced == 42


def record(n: int, state: str, why: str = "", old: str | None = None) -> dict[str, object]:
    image = {"st": {"S": state}, "run": {"S": f"r{n % 2}"}, "why": {"S": why}}
    change = {
        "ApproximateCreationDateTime": NOW.timestamp(), "Keys": {"pk": {"S": f"acme#C#c{n}"}, "sk": {"S": f"SEND#m#k{n}"}},
        "SequenceNumber": str(1000 + n), "NewImage": image,
    }  # fmt: skip
    if old is not None:
        change["OldImage"] = {**image, "st": {"S": old}}
    return {"eventName": "INSERT" if old is None else "MODIFY", "dynamodb": change}


def test_134_a_batch_writes_one_counter_more_and_a_batch_that_comes_again_counts_nothing() -> None:
    class Counted(MemoryCounters):
        writes = 0

        def write(self, *args: object) -> bool:
            self.writes += 1
            return super().write(*args)  # type: ignore[arg-type]

    store = Counted()
    records = [record(n, "delivered") for n in range(480)]
    records += [record(n, "bounced", HARD) for n in range(480, 500)]
    batch = activity_batch({"Records": records, "shardId": "s1", "eventSourceARN": "arn/x"})
    for _ in range(2):
        assert CounterService(store).count(batch.stream, batch.shard, batch.changes) == []
    # Two runs, and one hour of the tenant
    assert store.writes == 3
    assert store.hours("acme", "2026010500") == {"2026010509": {"delivered": 480, "bounced": 20}}
    assert store.totals("acme", "r0") == {"delivered": 240, "bounced": 10}
