"""Single messages: taken once a key, guarded, sent, heard of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from quopri import decodestring
from typing import Any

import pytest

from meghdoot.areas.messaging.holding import Hold
from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from meghdoot.areas.messaging.singles.model import SingleRef
from meghdoot.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from tests.support.singles import SENDER, START, TENANT, SingleWorld, template


def text_of(mail: OutboundEmail) -> str:
    """The whole message, readable."""
    return decodestring(mail.raw or b"").decode()


def shown(world: SingleWorld, key: str = "k-1") -> tuple[str, str | None]:
    view = world.view(key)
    return view.state, view.row.reason if view.row else None


# --- taking ------------------------------------------------------------------------------------------------


def test_a_message_is_taken_sent_heard_of_and_shown() -> None:
    world = SingleWorld()
    customer = world.person()
    taken = world.accept(email=None, customer_id=customer)
    assert (taken.state, taken.single.customer_id) == ("pending", customer)
    assert world.send() == ["accepted"]
    (mail,) = world.provider.accepted
    assert mail.to == "rita@x.example"
    assert "Hi Rita, A-17" in text_of(mail)
    assert "List-Unsubscribe" not in text_of(mail)
    assert {"tenant", "customer", "key", "minute", "message", "attempt"} <= set(mail.tags)
    assert "chunk" not in mail.tags
    world.receipts.record([world.word(mail)])
    told = world.view()
    assert told.state == "delivered"
    assert told.row is not None
    assert (told.row.attempt, told.row.heard_attempt) == (1, 1)
    assert not world.timers.timers


def test_006_one_key_is_one_message_for_ever() -> None:
    # Given a message that was sent long ago, whose content was forgotten and whose template has a new version
    world = SingleWorld()
    first = world.accept()
    world.send()
    world.clock.advance(days=400)
    world.singles.forget_content(first.single.ref)
    world.templates.remove(TENANT, "receipt")
    # When the same request comes again, then it is the same message, and nobody is sent anything
    again = world.accept()
    assert again.single.id == first.single.id
    assert again.state == "accepted"
    assert world.queue.take() == []
    # And another request under the key is refused
    for other in ({"variables": {"code": "B-1"}}, {"email": "karim@x.example"}, {"kind": "otp"}):
        with pytest.raises(Invalid) as refused:
            world.accept(**other)  # type: ignore[arg-type]
        assert refused.value.code == "idempotency_key_reused"
    assert world.provider.calls == 1


def test_two_keys_are_two_messages_and_so_are_two_tenants() -> None:
    from meghdoot.areas.messaging.singles.rules import message_id

    world = SingleWorld()
    assert world.accept("k-1").single.id != world.accept("k-2").single.id
    assert message_id("t1", "k") != message_id("t2", "k")
    assert world.send() == ["accepted", "accepted"]


def test_the_newest_version_is_pinned_unless_one_is_named() -> None:
    world = SingleWorld()
    second = template("receipt", "transactional", version=2)
    world.templates.replace(second, 1)
    world.versions.add(second)
    assert world.accept("k-1").single.template_version == 2
    assert world.accept("k-2", template_version=1).single.template_version == 1
    with pytest.raises(NotFound):
        world.accept("k-3", template_version=3)


def test_messages_of_one_template_share_one_composition_and_one_compilation() -> None:
    world = SingleWorld()
    ids = {world.accept(f"k-{n}", variables={"code": str(n)}).single.composition_id for n in range(5)}
    assert len(ids) == 1
    (composition,) = ids
    assert world.links.get(TENANT, composition, 1) == "https://shop.example/orders"
    assert world.accept("k-9", sender_name="Other").single.composition_id != composition


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"variables": {}}, "render_error"),
        ({"purpose": "marketing", "email": None, "customer_id": "rita"}, "purpose_of_template"),
        ({"template_id": "offer", "email": None, "customer_id": "rita"}, "purpose_of_template"),
        ({"sender_email": "new@other.example"}, "sender_not_verified"),
        ({"email": "no address"}, "invalid_email"),
        ({"email": None}, "recipient_required"),
        ({"customer_id": "rita"}, "recipient_required"),
        ({"variables": {"code": "1", "unsubscribe_url": "https://evil.example"}}, "reserved_variable"),
        ({"variables": {"code": "1", "_click": "https://evil.example"}}, "reserved_variable"),
        ({"template_id": "none"}, "template_not_found"),
        ({"sender_email": "nobody@nowhere.example"}, "sender_not_found"),
        ({"email": None, "customer_id": "nobody"}, "customer_not_found"),
        ({"template_id": "offer", "purpose": "marketing", "email": "stranger@x.example"}, "customer_not_found"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_stored(wanted: dict[str, Any], code: str) -> None:
    world = SingleWorld()
    world.verifier.say("new@other.example", "pending")
    world.tenants.add_sender(TENANT, "new@other.example", display_name="New")
    rita = world.person()
    if wanted.get("customer_id") == "rita":
        wanted = wanted | {"customer_id": rita}
    with pytest.raises((Invalid, NotFound)) as refused:
        world.accept(**wanted)
    codes = {refused.value.code, *(f.code for f in refused.value.fields)}
    assert code in codes
    assert (world.singles.items, world.timers.timers, world.queue.messages) == ({}, set(), [])


def test_an_address_that_nobody_is_known_by_gets_its_receipt() -> None:
    world = SingleWorld()
    taken = world.accept(email="Stranger@X.example")
    assert not taken.single.has_profile
    assert world.send() == ["accepted"]
    assert world.provider.accepted[0].to == "stranger@x.example"
    assert "Hi friend, A-17" in text_of(world.provider.accepted[0])
    # And its complaint closes the address, though no customer has it
    world.receipts.record([world.word(world.provider.accepted[0], "complained")])
    assert shown(world) == ("complained", None)
    assert world.accept("k-2", email="stranger@x.example").state == "skipped"


def test_a_queue_that_does_not_answer_is_made_up_for_by_the_sweeper(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SingleWorld()

    def refuse(*_: Any, **__: Any) -> None:
        raise Unavailable("the queue does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(world.queue, "put", refuse)
        assert world.accept().state == "pending"
    world.pass_time(2)
    assert shown(world) == ("accepted", None)


def test_032_a_lost_queue_message_is_made_up_for_within_two_minutes() -> None:
    world = SingleWorld()
    world.accept()
    world.queue.take()
    world.pass_time(2)
    assert world.accepted() == {world.view().single.id: 1}
    world.pass_time(5)
    assert not world.timers.timers


# --- guarding ------------------------------------------------------------------------------------------------


def suppressed(world: SingleWorld, customer: str) -> None:
    world.consent.suppress(
        TENANT, world.service.mails.keyring.current + "#x", "email", "hard_bounce", customer_id=customer
    )


def bounced(world: SingleWorld, customer: str) -> None:
    world.accept("before", email=None, customer_id=customer)
    world.send()
    world.receipts.record([world.word(world.provider.accepted.pop(), "bounced", subtype="hard")])
    world.provider.calls = 0


def complained(world: SingleWorld, customer: str) -> None:
    world.accept("before", email=None, customer_id=customer)
    world.send()
    world.receipts.record([world.word(world.provider.accepted.pop(), "complained", subtype="abuse")])
    world.provider.calls = 0


@pytest.mark.parametrize("close", [suppressed, bounced, complained])
def test_a_closed_address_gets_nothing_whether_it_closed_before_or_after_the_request(
    close: Callable[[SingleWorld, str], None],
) -> None:
    for late in (False, True):
        world = SingleWorld()
        rita = world.person()
        if late:
            world.accept(email=None, customer_id=rita)
            waiting = world.queue.take()
            close(world, rita)
            assert [world.deliver(ref) for ref in waiting] == ["skipped"]
        else:
            close(world, rita)
            assert world.accept(email=None, customer_id=rita).state == "skipped"
            assert world.queue.take() == []
        assert shown(world) == ("skipped", "suppressed")
        assert world.provider.calls == 0


def test_consent_caps_and_quiet_are_not_asked_for_a_receipt() -> None:
    world = SingleWorld(daily_cap=1)
    rita = world.person(consent=False)
    for n in range(3):
        world.accept(f"k-{n}", email=None, customer_id=rita)
    assert world.send() == ["accepted"] * 3


def test_077_an_erased_customer_gets_nothing() -> None:
    world = SingleWorld()
    rita = world.person()
    world.accept(email=None, customer_id=rita)
    world.people.delete(TENANT, rita)
    assert world.send() == ["skipped"]
    assert shown(world) == ("skipped", "erased")


def offer(world: SingleWorld, key: str, customer: str) -> None:
    world.accept(key, email=None, customer_id=customer, template_id="offer", purpose="marketing")


def test_a_single_offer_obeys_consent_and_caps_and_counts_against_them() -> None:
    world = SingleWorld(daily_cap=1)
    rita, karim = world.person("rita"), world.person("karim", consent=False)
    offer(world, "k-1", rita)
    assert world.send() == ["accepted"]
    assert "List-Unsubscribe-Post" in text_of(world.provider.accepted[0])
    offer(world, "k-2", rita)
    offer(world, "k-3", karim)
    assert world.send() == []
    assert (shown(world, "k-2"), shown(world, "k-3")) == (("skipped", "capped"), ("skipped", "no_consent"))
    gate = world.gates.get(TENANT, rita)
    assert gate is not None
    assert gate.counted.count(":") == 2


def test_an_unsubscribe_between_request_and_call_stops_an_offer() -> None:
    world = SingleWorld()
    rita = world.person()
    offer(world, "k-1", rita)
    world.consent.record(TENANT, rita, "email", "marketing", "withdrawn", source="unsubscribe_page")
    assert world.send() == ["skipped"]
    assert shown(world) == ("skipped", "no_consent")


@pytest.mark.parametrize(("scope", "receipt", "advert"), [("all", "held", "held"), ("marketing", "accepted", "held")])
def test_a_kill_switch_holds_single_messages_and_lets_them_go_on(scope: Any, receipt: str, advert: str) -> None:
    world = SingleWorld()
    rita = world.person()
    world.holds.put(Hold(TENANT, scope, "kill_switch", "stop", "me", START))
    world.accept("k-1")
    offer(world, "k-2", rita)
    assert world.send() == [receipt, advert]
    world.holds.lift(TENANT)
    world.pass_time(5)
    assert (shown(world, "k-1")[0], shown(world, "k-2")[0]) == ("accepted", "accepted")
    assert world.provider.calls == 2


def test_080_over_a_restored_table_nothing_leaves() -> None:
    world = SingleWorld()
    world.accept()
    world.seal.whole = False
    assert world.send() == ["held"]
    world.seal.whole = True
    world.pass_time(3)
    assert shown(world)[0] == "accepted"


def test_080_an_offer_that_came_back_from_a_backup_is_not_sent_again_and_a_receipt_is() -> None:
    world = SingleWorld()
    rita = world.person()
    offer(world, "k-1", rita)
    world.accept("k-2")
    world.clock.advance(seconds=5)
    world.seal.born = world.clock.now()
    offer(world, "k-3", rita)
    assert world.send() == ["settled", "accepted", "accepted"]
    # Whether it left after the backup nobody knows.
    assert shown(world, "k-1") == ("unknown", "restored")
    assert world.provider.calls == 2


def test_a_test_tenant_reaches_reserved_domains_only() -> None:
    world = SingleWorld(test_only=True)
    assert world.accept("k-1", email="rita@real.com").state == "skipped"
    assert world.accept("k-2", email="rita@example.com").state == "pending"


# --- calling ------------------------------------------------------------------------------------------------


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


# --- owners -------------------------------------------------------------------------------------------------


def test_027_a_message_that_comes_twice_is_sent_once() -> None:
    world = SingleWorld()
    taken = world.accept()
    assert [world.deliver(taken.single.ref) for _ in range(3)] == ["accepted", "done", "done"]
    assert world.provider.calls == 1


def test_without_time_for_a_call_the_message_is_put_back_and_nobody_is_in_doubt() -> None:
    world = SingleWorld()
    taken = world.accept()
    world.queue.take()
    assert world.deliver(taken.single.ref, seconds=5) == "put_back"
    assert shown(world)[0] == "pending"
    world.pass_time(2)
    row = world.view().row
    assert row is not None
    assert (row.state, row.attempt, row.doubts) == ("accepted", 1, 0)


def test_a_failure_of_the_pacer_leaves_nobody_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SingleWorld()
    taken = world.accept()

    def broken(*_: Any) -> None:
        raise Unavailable("the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(world.pacer, "lease", broken)
        with pytest.raises(Unavailable):
            world.deliver(taken.single.ref)
    assert shown(world)[0] == "pending"
    world.pass_time(2)
    assert shown(world)[0] == "accepted"


def test_a_message_that_nobody_knows_is_told_apart() -> None:
    world = SingleWorld()
    assert world.deliver(SingleRef(TENANT, "0" * 32)) == "gone"
    with pytest.raises(NotFound) as missing:
        world.service.get(TENANT, "0" * 32)
    assert missing.value.code == "message_not_found"


def test_060_a_forged_word_about_a_single_message_moves_nothing() -> None:
    from dataclasses import replace

    world = SingleWorld()
    world.accept()
    world.send()
    word = world.word(world.provider.accepted[0])
    for forged in (replace(word, customer_id="other"), replace(word, message_id="f" * 32), replace(word, minute="x")):
        assert world.receipts.record([forged]).unmatched == 1
    assert shown(world)[0] == "accepted"


def test_two_who_take_the_same_key_at_once_make_one_message() -> None:
    world = SingleWorld()
    first = world.accept()
    # Given a second request that did not find the first one's message yet
    stored = world.singles.items.pop((TENANT, first.single.id))
    other = world.service._written(first.single.ref, _request())
    world.singles.items[(TENANT, first.single.id)] = stored
    assert world.service._stored(other) == stored


def _request() -> Any:
    from meghdoot.areas.messaging.singles.model import SingleRequest

    return SingleRequest("k-1", "receipt", SENDER, email="rita@x.example", variables={"code": "A-17"})


def test_a_composition_that_somebody_else_stores_at_the_same_time_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SingleWorld()

    def taken(_record: Any) -> None:
        raise Conflict("exists already")

    monkeypatch.setattr(world.compositions, "add", taken)
    assert world.accept().state == "pending"


def test_133_a_sender_that_was_slow_looks_again_before_it_calls() -> None:
    world = SingleWorld()
    world.accept()

    def held_meanwhile(name: str) -> None:
        if name == "after claim row" and not world.holds.items:
            world.holds.items[TENANT] = Hold(TENANT, "all", "kill_switch", "wait", "me", world.clock.now())
            world.clock.advance(seconds=3)

    switch: Any = held_meanwhile
    world.switch, world.watched = switch, True
    assert world.send() == ["put_back"]
    assert not world.provider.accepted
    # And goes on where it stood: nobody was called, nobody is in doubt
    world.watched = False
    world.holds.lift(TENANT)
    world.clock.advance(minutes=2)
    assert world.send() == ["accepted"]
    assert shown(world) == ("accepted", None)
