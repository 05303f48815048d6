"""Single messages: taken once a key, guarded, sent, heard of."""

from __future__ import annotations

from quopri import decodestring

from meghdoot.areas.messaging.model import OutboundEmail
from tests.support.singles import SingleWorld


def text_of(mail: OutboundEmail) -> str:
    """The whole message, readable."""
    return decodestring(mail.raw or b"").decode()


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
    shown = world.view()
    assert shown.state == "delivered"
    assert shown.row is not None
    assert (shown.row.attempt, shown.row.heard_attempt) == (1, 1)
    assert not world.timers.timers
