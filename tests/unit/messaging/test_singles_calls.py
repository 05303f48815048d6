"""The calls of a single message: throttles, refusals, doubt, and sending again by class where silence is proven."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from tests.support.singles import START, TENANT, SingleWorld, offer, shown, suppressed, text_of


def failing(*outcomes: Outcome | None) -> Callable[[OutboundEmail, int], Outcome | None]:
    """One outcome a call, then success."""
    return lambda _mail, number: outcomes[number - 1] if number <= len(outcomes) else None


def test_040_a_throttle_is_tried_again_later_and_is_no_doubt() -> None:
    world = SingleWorld()
    world.provider.failure = failing(Outcome("retry", code="429"), Outcome("retry", code="429"))
    world.accept()
    assert world.send() == ["again"]
    assert shown(world) == ("pending", "429")
    assert world.send() == ["waiting"], "before its time nobody is called"
    world.pass_time(4)
    view = world.view()
    assert view.row is not None
    assert (view.state, view.row.attempt, view.row.doubts) == ("accepted", 3, 0)


@pytest.mark.parametrize("kind", ["stop", "wait_quota"])
def test_047_a_provider_that_refuses_the_account_fails_nobody(kind: Any) -> None:
    world = SingleWorld()
    world.provider.failure = lambda _mail, _number: Outcome(kind, code="paused")
    world.accept()
    world.pass_time(60)
    assert shown(world) == ("pending", "paused")
    world.provider.failure = lambda _mail, _number: None
    world.pass_time(40)
    assert shown(world)[0] == "accepted"
    assert sum(world.accepted().values()) == 1


def test_a_refused_message_has_failed_and_a_refused_address_is_closed() -> None:
    world = SingleWorld()
    rita = world.person()
    world.provider.failure = failing(Outcome("refused", code="MessageRejected"), Outcome("refused_address", code="bad"))
    world.accept("k-1")
    world.accept("k-2", email=None, customer_id=rita)
    assert world.send() == ["failed", "failed"]
    assert shown(world, "k-1") == ("failed", "MessageRejected")
    assert world.accept("k-3", email=None, customer_id=rita).state == "skipped"
    world.pass_time(30)
    assert world.provider.calls == 2


def test_041_an_ambiguous_receipt_is_sent_again_after_its_window_once_later_messages_were_heard_of() -> None:
    world = SingleWorld()
    world.provider.failure = failing(Outcome("ambiguous", code="503"))
    world.accept()
    assert world.send() == ["parked"]
    assert shown(world) == ("unknown", "503")
    world.pass_time(14)
    assert world.provider.calls == 1
    world.pass_time(3)
    assert world.provider.calls == 2
    first, second = (mail for mail in world.provider.accepted), world.view()
    assert second.row is not None
    assert (second.state, second.row.attempt, second.row.doubts) == ("accepted", 2, 1)
    (mail,) = first
    assert mail.tags["attempt"] == "2"


def test_042_an_event_within_the_window_ends_the_doubt() -> None:
    world = SingleWorld()
    world.provider.failure, world.provider.takes_ambiguous = failing(Outcome("ambiguous", code="timeout")), True
    world.accept()
    world.send()
    world.pass_time(10)
    world.receipts.record([world.word(world.provider.accepted[0])])
    world.pass_time(120)
    view = world.view()
    assert view.row is not None
    assert (view.state, view.row.heard_attempt, world.provider.calls) == ("delivered", 1, 1)
    assert not world.timers.timers


def test_all_attempts_carry_one_message_id_and_each_its_number() -> None:
    world = SingleWorld()
    world.provider.failure, world.provider.takes_ambiguous = failing(Outcome("ambiguous")), True
    world.accept()
    world.send()
    world.pass_time(20)
    one, two = world.provider.accepted
    assert one.message_id == two.message_id
    assert (one.tags["attempt"], two.tags["attempt"]) == ("1", "2")
    # Whichever attempt is heard of, the row knows
    world.receipts.record([world.word(one, "bounced", subtype="soft")])
    row = world.view().row
    assert row is not None
    assert (row.state, row.heard_attempt) == ("bounced", 1)


def test_a_message_whose_calls_are_all_in_doubt_is_unknown_in_the_end() -> None:
    world = SingleWorld()
    world.provider.failure = lambda _mail, _number: Outcome("ambiguous", code="503")
    world.accept()
    world.send()
    world.pass_time(180)
    view = world.view()
    assert view.row is not None
    assert (view.state, view.row.doubts, view.row.settled) == ("unknown", 3, True)
    assert world.provider.calls == 3
    assert not world.timers.timers


def test_a_code_is_sent_again_at_once_with_the_same_content() -> None:
    world = SingleWorld()
    world.provider.failure, world.provider.takes_ambiguous = failing(Outcome("ambiguous")), True
    world.accept(kind="otp")
    assert world.send() == ["parked"]
    assert world.queue.messages[0][1] == 1
    assert world.send() == ["accepted"]
    one, two = (text_of(mail).partition("\r\n\r\n")[2] for mail in world.provider.accepted)
    assert "A-17" in one
    assert one == two


def test_a_code_that_is_too_old_is_not_sent_any_more() -> None:
    world = SingleWorld()
    world.accept(kind="otp")
    world.clock.advance(minutes=16)
    assert world.send() == ["skipped"]
    assert shown(world) == ("skipped", "stale")


def test_an_offer_in_doubt_is_never_sent_again() -> None:
    world = SingleWorld()
    offer(world, "k-1", world.person())
    world.provider.failure = lambda _mail, _number: Outcome("ambiguous", code="503")
    assert world.send() == ["parked"]
    for _ in range(30):
        world.clock.advance(hours=1)
        world.pass_time(2)
    view = world.view()
    assert view.row is not None
    assert (view.state, view.row.settled, world.provider.calls) == ("unknown", True, 1)


def test_049_while_no_event_is_heard_nobody_is_sent_again_and_all_resolve_afterwards() -> None:
    # Given twenty receipts in doubt, of which every other was truly taken, and a pipeline of events that breaks down
    world = SingleWorld()
    world.provider.failure = lambda mail, number: Outcome("ambiguous") if number <= 20 else None
    for n in range(20):
        world.provider.takes_ambiguous = n % 2 == 0
        world.accept(f"k-{n}")
        assert world.send() == ["parked"]
    taken = list(world.provider.accepted)
    world.evidence.heard(world.provider.name, world.clock.now() + timedelta(seconds=30))
    # When it is down for six hours, then nobody is sent again, and every tick says how many wait
    swept = world.pass_time(6 * 60, events=False)
    assert world.provider.calls == 20
    assert max(tick.in_doubt for tick in swept) == 20
    # And when it is back, its backlog resolves those that were taken, and the others are sent
    world.receipts.record([world.word(mail) for mail in taken])
    swept = world.pass_time(60)
    assert sum(tick.in_doubt for tick in swept[-30:]) == 0
    assert world.provider.calls == 30
    assert set(world.accepted().values()) == {1}
    assert {world.view(f"k-{n}").state for n in range(20)} == {"accepted", "delivered"}
    assert not world.timers.timers


def test_the_word_about_a_message_that_is_only_a_little_later_proves_too_little() -> None:
    world = SingleWorld()
    world.provider.failure = failing(Outcome("ambiguous"))
    world.accept()
    world.send()
    world.evidence.heard(world.provider.name, START + timedelta(minutes=14))
    world.pass_time(60, events=False)
    assert world.provider.calls == 1
    world.evidence.heard(world.provider.name, START + timedelta(minutes=16))
    world.pass_time(20, events=False)
    assert world.provider.calls == 2


def test_where_nothing_was_ever_heard_silence_means_nothing() -> None:
    world = SingleWorld()
    world.provider.failure = failing(Outcome("ambiguous"))
    world.accept()
    world.send()
    world.pass_time(120, events=False)
    assert (world.provider.calls, shown(world)[0]) == (1, "unknown")
    # After three days a receipt is worth nothing any more: it stays unknown, for everybody to see
    world.clock.advance(days=3)
    world.pass_time(20, events=False)
    view = world.view()
    assert view.row is not None
    assert (world.provider.calls, view.state, view.row.settled) == (1, "unknown", True)


def test_what_may_have_arrived_is_never_called_skipped_or_failed() -> None:
    for end in ("suppressed", "refused"):
        world = SingleWorld()
        world.provider.failure = failing(Outcome("ambiguous"), Outcome("refused", code="MessageRejected"))
        rita = world.person()
        world.accept(email=None, customer_id=rita)
        world.send()
        if end == "suppressed":
            suppressed(world, rita)
        world.pass_time(40)
        view = world.view()
        assert view.row is not None
        assert (view.state, view.row.settled) == ("unknown", True)
        assert view.row.reason == ("suppressed" if end == "suppressed" else "MessageRejected")


def test_a_complaint_about_an_address_closes_whoever_has_it_by_now() -> None:
    world = SingleWorld()
    world.accept(email="rita@x.example")
    world.send()
    rita = world.person()
    world.receipts.record([world.word(world.provider.accepted[0], "complained")])
    gate = world.gates.get(TENANT, rita)
    assert gate is not None
    assert gate.suppressed == {"em"}
