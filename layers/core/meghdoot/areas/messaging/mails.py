"""From a line of the audience to the mail that one person gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from meghdoot.areas.content.model import PersonLinks
from meghdoot.areas.messaging.model import OutboundEmail, Recipient, Run
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.areas.messaging.ports import RunComposers
from meghdoot.areas.messaging.rules import proof
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.kernel.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Mails:
    """Writes mails: links of the person's own, the whole message, the tags that come back in events."""

    composers: RunComposers
    keyring: Keyring

    def mail(self, run: Run, chunk: int, person: Recipient, now: datetime) -> OutboundEmail:
        """The mail of one person.

        Raises Invalid: `render_error` when the person lacks a variable, `bad_address` for an address that no header can
        hold.
        """
        key = send_key(run.id, run.channel, person.customer_id)
        tags = {
            "tenant": run.tenant,
            "run": run.id,
            "chunk": str(chunk),
            "index": str(person.index),
            "customer": person.customer_id,
            "key": key,
            "minute": run_minute(run.started_at),
            "date": str(int(now.timestamp())),
        }
        if proof.fits_a_tag(self.keyring.current):
            tags["kid"] = self.keyring.current
        mail = self._written(run, person, self._links(run, person, key, now), key, tags, now)
        # What is needed to write the same bytes again, and to know that they are the same.
        tags["hash"] = proof.mail_hash(mail.raw or b"")
        return mail

    def test_mail(self, run: Run, person: Recipient, message_id: str, now: datetime) -> OutboundEmail:
        """A mail that looks like the real one but stands outside all figures: no tags, and links that change nothing."""
        links = self._links(run, person, message_id, now, inert=True)
        return self._written(run, person, links, message_id, {}, now)

    def _links(self, run: Run, person: Recipient, key: str, now: datetime, *, inert: bool = False) -> PersonLinks:
        content = run.content
        links = person_links(
            content.public_url,
            self.keyring,
            tenant=run.tenant,
            run_id=run.id,
            customer_id=person.customer_id,
            channel=run.channel,
            send_key=key,
            language=person.language,
            issued_at=now,
            inert=inert,
        )
        return _moved(links, content.public_url, content.tracking_url) if content.tracking_url else links

    def _written(
        self, run: Run, person: Recipient, links: PersonLinks, key: str, tags: Mapping[str, str], now: datetime
    ) -> OutboundEmail:
        address = person.address or ""
        composer = self.composers.of(run, person.language)
        raw = composer.mail(address, person.fields, links, message_id=key, date=now)
        return OutboundEmail(
            sender_name=run.content.sender_name,
            sender_email=run.content.sender_email,
            to=address,
            reply_to=run.content.reply_to,
            subject="",
            html="",
            text="",
            headers={},
            tags=tags,
            message_id=key,
            date=now,
            raw=raw,
        )


def _moved(links: PersonLinks, base: str, to: str) -> PersonLinks:
    """Pixel and links by another base; the unsubscribe page stays where no flood of pixels can reach it."""
    click, pixel = links.click_base.removeprefix(base), links.pixel_url.removeprefix(base)
    return PersonLinks(f"{to}{click}", f"{to}{pixel}", links.unsubscribe_url)
