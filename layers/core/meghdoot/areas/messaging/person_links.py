"""A person's own addresses in one message: click base, pixel and unsubscribe."""

from __future__ import annotations

from datetime import datetime

from meghdoot.areas.consent.model import Channel
from meghdoot.areas.content.model import PersonLinks
from meghdoot.areas.messaging.person_token import TokenPurpose, flags, pack_parts
from meghdoot.kernel.i18n import Language
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.tokens import seal_each

_PURPOSES: tuple[TokenPurpose, ...] = ("click", "open", "unsubscribe")


def person_links(
    public_url: str,
    keyring: Keyring,
    *,
    tenant: str,
    run_id: str,
    customer_id: str,
    channel: Channel,
    send_key: str,
    language: Language = "en",
    issued_at: datetime | None = None,
    inert: bool = False,
) -> PersonLinks:
    """The addresses of one message to one person; one signature each, and none opens what another opens.

    `public_url` has no slash at the end. `language` is that of the unsubscribe page. `issued_at` lets a click that comes
    within two seconds be told as a machine's. With `inert` the links belong to a test send: they show a page that says
    so and change nothing.
    """
    issued = int(issued_at.timestamp()) if issued_at else 0
    payload = pack_parts(tenant, run_id, customer_id, send_key, flags(channel, language, inert=inert), issued)
    click, pixel, unsubscribe = seal_each(keyring, _PURPOSES, payload)
    return PersonLinks(f"{public_url}/c/{click}/", f"{public_url}/o/{pixel}.gif", f"{public_url}/u/{unsubscribe}")
