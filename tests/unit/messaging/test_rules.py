"""Counted keys, decisions, accounting and the maximum of facts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.model import LETTER_SKIPS, RANKS, Demand, Fact, Recipient, Run
from meghdoot.areas.messaging.rules import counted, letters
from meghdoot.areas.messaging.rules.accounting import accounting
from meghdoot.areas.messaging.rules.counted import Counted
from meghdoot.areas.messaging.rules.decide import decide
from meghdoot.areas.messaging.rules.facts import highest, row_of, suppression_of
from meghdoot.areas.messaging.rules.keys import gate_key, run_minute, send_key
from meghdoot.areas.messaging.rules.waves import backoff_seconds, wave_size
from tests.support.killing import CONTENT, START
from tests.support.slots import Office, most_in_a_second

NOW = START
PERSON = Recipient(0, "c1", "c1@x.example", "en", "Asia/Dhaka", {})


def a_run(**more: Any) -> Run:
    run = Run(
        "t1", "r1", None, "e1", "email", "marketing", "sending", (), CONTENT, NOW, NOW, NOW, NOW + timedelta(days=8), 7
    )
    return replace(run, **more)


def a_gate(*entries: Counted, **more: Any) -> ContactGate:
    more = {"granted": frozenset({"em:m"}), "zone": "Asia/Dhaka"} | more
    return ContactGate("t1", "c1", 5, counted=counted.write(entries), **more)


def sent(before: timedelta, key: str = "x" * 12) -> Counted:
    return Counted(key, counted.minute_of(NOW - before), 0)


def test_a_send_key_depends_on_run_channel_and_customer_alone() -> None:
    key = send_key("r1", "email", "c1")
    assert key == send_key("r1", "email", "c1")
    assert len({key, send_key("r2", "email", "c1"), send_key("r1", "sms", "c1"), send_key("r1", "email", "c2")}) == 4
    assert len(gate_key(key)) == 12


def test_the_minute_of_a_run_is_in_utc() -> None:
    assert run_minute(datetime(2026, 1, 5, 9, 7, 59, tzinfo=UTC)) == "202601050907"


@given(
    st.lists(
        st.builds(
            Counted, st.text("abcXYZ019-_", min_size=12, max_size=12), st.integers(0, 10**8), st.integers(0, 10**7)
        )
    )
)
def test_counted_keys_survive_their_text(entries: list[Counted]) -> None:
    assert counted.parse(counted.write(entries)) == tuple(entries)


def test_a_full_gate_stays_within_a_write_unit() -> None:
    entries = [Counted("x" * 12, counted.minute_of(NOW), 1_600_000)] * counted.MAX_ENTRIES
    assert len(counted.write(entries)) <= 925


def test_nothing_younger_than_the_horizon_is_pruned() -> None:
    young, old = sent(timedelta(days=8)), sent(timedelta(days=8, minutes=1))
    assert counted.prune([old, young], NOW) == (young,)


def test_089_the_calendar_day_is_that_of_the_persons_zone() -> None:
    # 19:00 UTC is 01:00 of the next day in Dhaka
    now = datetime(2026, 1, 5, 19, 0, tzinfo=UTC)
    before_midnight = Counted("x" * 12, counted.minute_of(now - timedelta(hours=2)), 0)
    assert counted.on_local_day([before_midnight], now, "Asia/Dhaka") == 0
    assert counted.on_local_day([before_midnight], now, "UTC") == 1


def test_090_exactly_seven_days_ago_is_outside_of_the_rolling_week() -> None:
    assert counted.in_rolling_week([sent(timedelta(days=7))], NOW) == 0
    assert counted.in_rolling_week([sent(timedelta(days=7) - timedelta(minutes=1))], NOW) == 1


def test_a_person_with_consent_and_room_is_claimed_with_the_key_added() -> None:
    earlier = sent(timedelta(days=2))
    decision = decide(PERSON, a_gate(earlier), a_run(daily_cap=1, weekly_cap=2), 4, NOW)
    own = Counted(gate_key(send_key("r1", "email", "c1")), counted.minute_of(NOW), 4)
    assert (decision.kind, counted.parse(decision.counted)) == ("claim", (earlier, own))


@pytest.mark.parametrize(
    ("reason", "person", "gate", "run"),
    [
        ("no_consent", PERSON, a_gate(granted=frozenset({"sm:m", "em:t"})), a_run()),
        ("suppressed", PERSON, a_gate(suppressed=frozenset({"em"})), a_run()),
        ("suppressed", PERSON, a_gate(suppressed=frozenset({"em"})), a_run(purpose="transactional")),
        ("erased", PERSON, None, a_run()),
        ("no_address", replace(PERSON, address=None), a_gate(), a_run()),
        ("holdout", replace(PERSON, skip="holdout"), a_gate(), a_run()),
        ("stale", PERSON, a_gate(), a_run(stale_after=NOW)),
        ("capped", PERSON, a_gate(sent(timedelta(minutes=1))), a_run(daily_cap=1)),
        ("capped", PERSON, a_gate(sent(timedelta(days=6)), sent(timedelta(days=5))), a_run(weekly_cap=2)),
        ("capped", PERSON, a_gate(*[sent(timedelta(days=7, hours=1))] * 37), a_run()),
    ],
)
def test_who_is_skipped_and_why(reason: str, person: Recipient, gate: ContactGate | None, run: Run) -> None:
    decision = decide(person, gate, run, 0, NOW)
    assert (decision.kind, decision.reason) == ("skip", reason)


def test_a_key_counted_by_this_chunk_is_touched_and_by_another_is_a_duplicate() -> None:
    own = Counted(gate_key(send_key("r1", "email", "c1")), counted.minute_of(NOW), 4)
    gate = a_gate(own)
    touch = decide(PERSON, gate, a_run(daily_cap=1), 4, NOW)
    assert (touch.kind, touch.counted) == ("touch", gate.counted)
    assert decide(PERSON, gate, a_run(), 5, NOW).reason == "duplicate"


def test_con06_transactional_mail_asks_for_no_marketing_consent_and_counts_against_no_cap() -> None:
    gate = a_gate(*[sent(timedelta(minutes=1))] * 5, granted=frozenset())
    assert decide(PERSON, gate, a_run(purpose="transactional", daily_cap=1), 0, NOW).kind == "free"


LETTERS = st.text("".join([".caufUx", *LETTER_SKIPS]), max_size=60)


@given(
    st.lists(LETTERS, max_size=5),
    st.dictionaries(st.sampled_from(["delivered", "bounced", "complained", "open"]), st.integers(0, 80)),
    st.integers(0, 40),
)
def test_the_sum_of_all_states_is_always_the_audience(chunks: list[str], rows: dict[str, int], unplanned: int) -> None:
    audience = sum(map(len, chunks)) + unplanned
    people = accounting(audience, chunks, rows)
    assert sum(people.values()) == audience
    assert all(count > 0 for count in people.values())


def test_rows_are_taken_from_the_accepted_and_then_from_the_unknown() -> None:
    assert accounting(10, ["aaaau.nf"], {"delivered": 3, "bounced": 1, "complained": 1}) == {
        "delivered": 3, "bounced": 1, "complained": 1, "pending": 3, "skipped:no_consent": 1, "failed": 1,
    }  # fmt: skip


def test_only_parked_people_are_lifted_by_rows() -> None:
    assert letters.with_rows("uU.cfa", [0, 1, 2, 3, 4, 5]) == "aa.cfa"


@pytest.mark.parametrize(("rate", "senders"), [(1, 1), (14, 1), (14, 5), (50, 3), (280, 12), (278, 40)])
def test_038_the_pacer_fills_98_percent_and_no_second_holds_more_than_the_rate(rate: int, senders: int) -> None:
    office, begin, seconds = Office(rate), NOW.timestamp(), 30.0
    pacers = [office.pacer(f"w{n}") for n in range(senders)]
    asks, calls = [(NOW, n) for n in range(senders)], list[float]()
    while asks:
        asks.sort()
        at, who = asks.pop(0)
        if at.timestamp() >= begin + seconds + 3:
            continue
        lease = pacers[who].lease(Demand("ses", "account", "t", "r"), 25, at)
        calls += [at.timestamp() + slot for slot in lease.slots]
        asks.append((at + timedelta(seconds=(lease.slots[-1] if lease.count else lease.wait) + 1e-3), who))
    calls.sort()
    used = [at for at in calls if begin + 3 <= at < begin + seconds]
    assert len(used) >= 0.98 * rate * (seconds - 3) - 1
    assert most_in_a_second(calls) <= rate


def test_a_wave_is_25_people_or_one_second_of_the_rate() -> None:
    assert [wave_size(r) for r in (0.5, 1, 14, 25, 500)] == [1, 1, 14, 25, 25]


def test_040_backoff_grows_and_is_jittered() -> None:
    assert [backoff_seconds(n, 0.0) for n in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert backoff_seconds(3, 0.99) < 8.0
    assert backoff_seconds(30, 0.5) <= 20.0


def a_fact(kind: Any, **more: Any) -> Fact:
    tags: dict[str, Any] = {
        "tenant": "t1", "run_id": "r1", "chunk": 0, "index": 3, "customer_id": "c1", "minute": "202601050900",
        "send_key": send_key("r1", "email", "c1"), "address": "c1@x.example",
    }  # fmt: skip
    return Fact("ses", kind, NOW, f"d-{kind}", **(tags | more))


@pytest.mark.parametrize(
    "forged", [{"send_key": "0" * 32}, {"customer_id": "c2"}, {"minute": "x"}, {"chunk": None}, {"tenant": None}]
)
def test_060_a_fact_whose_tags_are_not_ours_names_no_send(forged: dict[str, Any]) -> None:
    assert row_of(a_fact("delivered"), "email") is not None
    assert row_of(a_fact("delivered", **forged), "email") is None


def test_only_hard_bounces_and_complaints_suppress() -> None:
    assert suppression_of(a_fact("bounced", subtype="hard")) == "hard_bounce"
    assert suppression_of(a_fact("bounced", subtype="suppressed")) == "hard_bounce"
    assert suppression_of(a_fact("complained", subtype="abuse")) == "complaint"
    assert suppression_of(a_fact("complained")) == "complaint"
    assert suppression_of(a_fact("complained", subtype="not-spam")) is None
    assert suppression_of(a_fact("bounced", subtype="soft")) is None
    assert suppression_of(a_fact("delivered")) is None


@given(st.permutations(["accepted", "deferred", "delivered", "bounced", "complained", "delivered"]))
def test_the_state_of_a_send_is_the_maximum_of_its_facts(kinds: list[str]) -> None:
    rows = [row for kind in kinds if (row := row_of(a_fact(kind), "email"))]
    assert [row.state for row in highest(rows)] == ["complained"]
    assert Counter(RANKS[row.state] for row in rows)[RANKS["complained"]] == 1
