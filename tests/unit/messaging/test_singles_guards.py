"""Who gets no single message: closed addresses, erased people, offers without consent, kill switch and backup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from meghdoot.areas.messaging.holding import Hold
from tests.support.singles import START, TENANT, SingleWorld, offer, shown, suppressed, text_of


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
