"""What providers post to us goes to the queue of receipts."""

from __future__ import annotations

from meghdoot.adapters.sns_inbox import SnsInbox, fetch_certificate
from meghdoot.adapters.sns_verify import SnsMessage, SnsVerifier
from meghdoot.adapters.wire_services import WireQueue, confirm_subscription
from meghdoot.http.webhooks import WebhookSite
from meghdoot.wiring import light


def put(body: str) -> None:
    """Put an envelope on the queue of receipts."""
    WireQueue(light.wire(), light.settings().queue_receipts).send(body)


def confirm(message: SnsMessage) -> None:
    """Accept the invitation of one of our topics, by the API of its own region."""
    confirm_subscription(light.wire(message.region), message.topic, message.token or "")


@light.once
def site() -> WebhookSite:
    """The site."""
    verifier = SnsVerifier(light.settings().provider_topics, fetch_certificate, light.clock())
    return WebhookSite(SnsInbox(verifier, put, confirm), light.log)
