"""From a single message to the mail that is sent: the same path as a run's mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from meghdoot.areas.messaging.model import OutboundEmail, Run
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.areas.messaging.ports import RunComposers
from meghdoot.areas.messaging.rules import proof
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.model import Composition, Single
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.keyring import Keyring

_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def run_of(composition: Composition) -> Run:
    """A composition as a run that has nobody: what composers, links and pages know how to read."""
    at = composition.updated_at
    return Run(
        composition.tenant, composition.id, None, "single", "email", composition.purpose, "sending", (),
        composition.content, at, at, at, _EVER, 0,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SingleMails:
    """Writes the mails of single messages. A mail follows from message, composition, attempt and instant alone."""

    composers: RunComposers
    keyring: Keyring

    def mail(self, single: Single, composition: Composition, attempt: int, at: datetime) -> OutboundEmail:
        """The mail of one attempt, to the second of `at`. All attempts carry one Message-ID.

        Raises Invalid: `render_error` for a missing variable, `bad_address` for an address that no header can hold.
        """
        if single.address is None:
            raise Invalid("the content of this message was forgotten", code="render_error")
        at = at.replace(microsecond=0)
        run, key, content = run_of(composition), rules.key_of(single), composition.content
        links = person_links(
            content.public_url, self.keyring, tenant=single.tenant, run_id=composition.id,
            customer_id=single.customer_id, channel=single.channel, send_key=key, language=single.language,
            issued_at=at,
        )  # fmt: skip
        composer = self.composers.of(run, single.language)
        raw = composer.mail(single.address, single.fields, links, message_id=key, date=at)
        tags = {
            "tenant": single.tenant, "run": composition.id, "message": single.id, "attempt": str(attempt),
            "customer": single.customer_id, "key": key, "minute": rules.minute_of(single),
            "date": str(int(at.timestamp())), "hash": proof.mail_hash(raw),
        }  # fmt: skip
        if proof.fits_a_tag(self.keyring.current):
            tags["kid"] = self.keyring.current
        return OutboundEmail(
            content.sender_name, content.sender_email, single.address, content.reply_to, subject="", html="", text="",
            headers={}, tags=tags, message_id=key, date=at, raw=raw,
        )  # fmt: skip
