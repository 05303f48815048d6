"""How a single message is taken: one key is one message for ever, and what cannot be sent is refused at once."""

from __future__ import annotations

from typing import Any

import pytest

from meghdoot.kernel.errors import Invalid, NotFound, Unavailable
from tests.support.singles import TENANT, SingleWorld, shown, template, text_of


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
