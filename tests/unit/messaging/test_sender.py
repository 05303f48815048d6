"""What the sender does when something is not as usual: refusals, throttles, pauses, conflicts, short time, broken parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.messaging.model import ChunkRef, OutboundEmail, Outcome
from meghdoot.kernel.errors import NotFound, Unavailable
from tests.support.killing import TENANT, World, launched, people


def fails(outcomes: dict[int, Outcome]) -> Callable[[OutboundEmail, int], Outcome | None]:
    return lambda _mail, number: outcomes.get(number)


def test_102_a_person_who_lacks_a_variable_is_skipped_and_nobody_is_greeted_as_none() -> None:
    world = World(3)
    world.profiles["c00001"] = replace(world.profiles["c00001"], first_name=None)
    run = world.launch()
    world.drain()
    assert people(world, run) == {"accepted": 2, "skipped:render_error": 1}
    assert all(b"None" not in (mail.raw or b"") for mail in world.provider.accepted)


def test_102_and_an_address_that_no_header_can_hold_is_skipped_as_invalid() -> None:
    world = World(2)
    world.profiles["c00001"] = replace(world.profiles["c00001"], email="a@b.example\nBcc: x@y.example")
    run = world.launch()
    world.drain()
    assert people(world, run) == {"accepted": 1, "skipped:invalid_address": 1}


def test_027_a_message_that_comes_again_finds_nothing_to_do() -> None:
    world, _, ref = launched()
    assert [world.deliver(ref).result for _ in range(3)] == ["done"] * 3
    assert world.provider.calls == 30


def test_028_chunks_in_any_order_come_to_the_same_end() -> None:
    ends = []
    for step in (1, -1):
        world = World(60, slices=3)
        run = world.launch()
        for ref in world.queue.take()[::step]:
            world.deliver(ref)
        ends.append(people(world, run))
    assert ends[0] == ends[1] == {"accepted": 60}


def test_another_owner_with_a_lease_is_left_in_peace() -> None:
    world, _, ref = launched()
    chunk = world.chunks.items[ref]
    world.chunks.items[ref] = replace(chunk, token="other", lease_until=int(world.clock.now().timestamp()) + 60)
    assert world.deliver(ref).result == "busy"
    assert world.provider.calls == 0
    world.clock.advance(seconds=61)
    assert world.deliver(ref).result == "done"


def test_033_a_chunk_met_beyond_the_horizon_is_refused_as_stale() -> None:
    world, run, ref = launched()
    world.clock.advance(days=8)
    assert world.deliver(ref).result == "stale"
    assert people(world, run) == {"skipped:stale": 30}
    assert world.provider.calls == 0


def test_040_a_throttle_is_no_failure_and_the_sender_slows_down() -> None:
    world, run, ref = launched()
    throttled = Outcome("retry", code="TooManyRequestsException")
    world.provider.failure = fails({5: throttled, 6: throttled})
    before = world.clock.now()
    assert world.deliver(ref).result == "done"
    assert people(world, run) == {"accepted": 30}
    assert world.clock.now() - before >= timedelta(seconds=1)
    assert world.accepted().most_common(1)[0][1] == 1


def test_040_one_throttle_among_many_calls_costs_its_slot_and_no_more() -> None:
    world, run, ref = launched()
    world.provider.failure = fails({5: Outcome("retry", code="TooManyRequestsException")})
    before = world.clock.now()
    assert world.deliver(ref).result == "done"
    assert people(world, run) == {"accepted": 30}
    assert world.provider.calls == 31
    assert world.accepted().most_common(1)[0][1] == 1
    assert world.clock.now() - before < timedelta(seconds=1), "30 people at 1,000 a second"


def test_040_throttles_without_end_put_the_chunk_back_for_later() -> None:
    world, run, ref = launched()
    world.provider.failure = lambda _mail, _number: Outcome("retry", code="429")
    assert world.deliver(ref).result == "put_back"
    assert world.queue.messages == [(ref, 60)]
    assert people(world, run) == {"pending": 30}
    world.provider.failure = fails({})
    world.drain()
    assert people(world, run) == {"accepted": 30}


def test_048_a_spent_quota_puts_the_rest_off_and_loses_nobody() -> None:
    world, run, ref = launched()
    world.provider.failure = lambda _mail, number: Outcome("wait_quota") if number > 10 else None
    assert world.deliver(ref).result == "put_back"
    assert world.queue.messages == [(ref, 900)]
    assert people(world, run) == {"accepted": 10, "pending": 20}


def test_047_a_refused_account_pauses_the_run_and_nobody_fails() -> None:
    world, run, ref = launched()
    world.provider.failure = lambda _mail, number: (
        Outcome("stop", code="SendingPausedException") if number > 7 else None
    )
    assert world.deliver(ref).result == "stopped"
    stopped = world.service.get(TENANT, run.id)
    assert (stopped.status, stopped.pause_reason) == ("paused", "SendingPausedException")
    assert people(world, run) == {"accepted": 7, "pending": 23}
    # And resumes whole
    world.provider.failure = fails({})
    world.service.resume(TENANT, run.id)
    world.drain()
    assert people(world, run) == {"accepted": 30}
    assert max(world.accepted().values()) == 1


def test_041_an_outage_parks_few_and_leaves_the_rest_for_later() -> None:
    world, run, ref = launched(100)
    world.provider.failure = lambda _mail, _number: Outcome("ambiguous", code="503")
    assert world.deliver(ref).result == "put_back"
    assert people(world, run) == {"unknown": 3, "pending": 97}


def test_a_refused_address_fails_and_is_suppressed() -> None:
    world, run, ref = launched()
    world.provider.failure = lambda mail, _number: (
        Outcome("refused_address", code="MessageRejected") if mail.to.startswith("c00003@") else None
    )
    world.deliver(ref)
    assert people(world, run) == {"accepted": 29, "failed": 1}
    assert world.suppressed.calls == [(TENANT, "key-of-c00003@x.example", "invalid_address", "c00003")]


def test_a_refused_message_fails_and_the_address_keeps_its_standing() -> None:
    world, run, ref = launched()
    world.provider.failure = fails({4: Outcome("refused", code="BadRequestException")})
    world.deliver(ref)
    assert people(world, run) == {"accepted": 29, "failed": 1}
    assert world.suppressed.calls == []


def test_031_a_failure_of_ours_gives_back_those_who_were_not_called() -> None:
    world, run, ref = launched()

    def broken(_mail: OutboundEmail, number: int) -> Outcome | None:
        if number == 6:
            raise Unavailable("the suppression table does not answer")
        return None

    world.provider.failure = broken
    with pytest.raises(Unavailable):
        world.deliver(ref)
    # Only the one whose call was under way is in doubt
    assert world.chunks.items[ref].letters == "aaaaau" + "." * 24
    world.provider.failure = fails({})
    world.clock.advance(minutes=10)
    assert world.deliver(ref).result == "done"
    assert people(world, run) == {"accepted": 29, "unknown": 1}
    assert world.provider.calls == 30


def test_if_suppressing_fails_the_person_is_asked_again() -> None:
    world, run, ref = launched()
    world.provider.failure = fails({2: Outcome("refused_address"), 31: Outcome("refused_address")})
    honest = world.suppressed.suppress

    def down(*_args: object, **_more: object) -> bool:
        raise Unavailable("the table does not answer")

    world.suppressed.suppress = down  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        world.deliver(ref)
    assert world.chunks.items[ref].letters == "a" + "." * 29
    world.suppressed.suppress = honest  # type: ignore[method-assign]
    world.provider.calls = 29
    world.clock.advance(minutes=10)
    world.deliver(ref)
    assert people(world, run) == {"accepted": 29, "failed": 1}


def test_a_pause_is_seen_before_the_next_wave_and_resume_neither_skips_nor_repeats() -> None:
    world, run, ref = launched(100)
    world.pacer.granted = 20.0

    def pausing(_mail: OutboundEmail, number: int) -> None:
        if number == 30:
            world.service.pause(TENANT, run.id, "by hand")

    world.provider.failure = pausing
    assert world.deliver(ref).result == "paused"
    assert 30 <= world.provider.calls <= 30 + 2 * 20, "within a second and a wave"
    assert world.deliver(ref).result == "paused"
    called = world.provider.calls
    world.service.resume(TENANT, run.id)
    world.drain()
    assert people(world, run) == {"accepted": 100}
    assert world.provider.calls == 100 > called
    assert max(world.accepted().values()) == 1


def test_a_cancel_ends_everybody_who_was_not_called() -> None:
    world, run, ref = launched(100)
    world.pacer.granted = 10.0

    def cancelling(_mail: OutboundEmail, number: int) -> None:
        if number == 15:
            world.service.cancel(TENANT, run.id)

    world.provider.failure = cancelling
    assert world.deliver(ref).result == "cancelled"
    world.drain()
    done = people(world, run)
    assert done["accepted"] + done["cancelled"] == 100
    assert done["accepted"] == world.provider.calls <= 40
    assert world.service.get(TENANT, run.id).finished_at is not None


def test_short_time_puts_the_chunk_back_before_a_wave_begins() -> None:
    world, run, ref = launched(100)
    world.pacer.granted = 5.0
    assert world.deliver(ref, seconds=30).result == "put_back"
    assert world.queue.messages == [(ref, 0)]
    assert "c" not in world.chunks.items[ref].letters
    world.queue.take()
    world.drain(60)
    world.queue.messages.append((ref, 0))
    world.drain(60)
    assert people(world, run) == {"accepted": 100}


def test_the_granted_rate_is_kept() -> None:
    world, _, ref = launched(100)
    world.pacer.granted = 10.0
    times = []
    world.provider.failure = lambda _mail, _number: times.append(world.clock.now())  # type: ignore[func-returns-value]
    world.deliver(ref)
    for start in times:
        assert sum(start <= at < start + timedelta(seconds=0.999) for at in times) <= 10
    assert (times[-1] - times[0]).total_seconds() < 100 / 9.7


def test_063_somebody_who_withdraws_during_the_run_is_not_sent() -> None:
    world, run, ref = launched(60)

    def withdrawing(_mail: OutboundEmail, number: int) -> None:
        if number == 1:
            gate = world.gates.get(TENANT, "c00059")
            assert gate is not None
            world.gates.put(replace(gate, granted=frozenset(), version=gate.version + 1))

    world.provider.failure = withdrawing
    world.deliver(ref)
    assert people(world, run) == {"accepted": 59, "skipped:no_consent": 1}


def test_077_somebody_who_is_erased_during_the_run_is_skipped_as_erased() -> None:
    world, run, ref = launched(60)
    world.gates.delete(TENANT, "c00030")
    world.deliver(ref)
    assert people(world, run) == {"accepted": 59, "skipped:erased": 1}


def test_a_withdrawal_between_reading_and_claiming_holds_even_if_the_version_was_not_raised() -> None:
    world, run, ref = launched(5)
    read = world.gates.get

    def forgetful(tenant: str, customer: str) -> ContactGate | None:
        gate = read(tenant, customer)
        if gate is not None and customer == "c00002" and forgetful.armed:  # type: ignore[attr-defined]
            world.gates.put(replace(gate, granted=frozenset()))
        return gate

    forgetful.armed = True  # type: ignore[attr-defined]
    world.gates.get = forgetful  # type: ignore[method-assign]
    world.deliver(ref)
    assert people(world, run) == {"accepted": 4, "skipped:no_consent": 1}


def test_endless_conflict_leaves_a_person_for_a_later_turn() -> None:
    world, run, ref = launched(3)
    read = world.gates.get

    def busy(tenant: str, customer: str) -> ContactGate | None:
        gate = read(tenant, customer)
        if gate is not None and customer == "c00001":
            world.gates.put(replace(gate, version=gate.version + 1))
        return gate

    world.gates.get = busy  # type: ignore[method-assign]
    assert world.deliver(ref).result == "put_back"
    assert world.queue.messages == [(ref, 5)]
    assert people(world, run) == {"accepted": 2, "pending": 1}
    world.gates.get = read  # type: ignore[method-assign]
    world.drain()
    assert people(world, run) == {"accepted": 3}


def test_a_person_who_stands_twice_in_a_chunk_is_sent_once() -> None:
    world, run, ref = launched(4)
    lines = list(world.audience.files[ref])
    lines[3] = replace(lines[0], index=3)
    world.audience.files[ref] = tuple(lines)
    world.deliver(ref)
    assert people(world, run) == {"accepted": 3, "skipped:duplicate": 1}
    assert max(world.accepted().values()) == 1


def test_a_person_who_stands_in_two_chunks_is_sent_once() -> None:
    world = World(20, slices=2)
    run = world.launch()
    first, second = world.queue.take()
    doubled = replace(world.audience.files[first][0], index=0)
    world.audience.files[second] = (doubled, *world.audience.files[second][1:])
    for ref in (first, second):
        world.deliver(ref)
    assert people(world, run)["skipped:duplicate"] == 1
    assert max(world.accepted().values()) == 1


def test_a_message_about_no_chunk_is_told_as_an_error() -> None:
    world, run, _ = launched(1)
    with pytest.raises(NotFound):
        world.deliver(ChunkRef(TENANT, run.id, 99))


def test_104_a_run_keeps_its_pinned_content() -> None:
    world, run, ref = launched(1)
    world.deliver(ref)
    assert run.content.template_version == 1
    tags = world.provider.accepted[0].tags
    place = {"tenant", "run", "chunk", "index", "customer", "key", "minute"}
    assert set(tags) == place | {"hash", "date", "kid"}
    assert (tags["chunk"], tags["index"], tags["minute"]) == ("0", "0", "202601050900")
