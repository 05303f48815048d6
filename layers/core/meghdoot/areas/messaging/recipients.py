"""What the recipients of messages do with the addresses in them: unsubscribe, follow a link, load the pixel."""

from __future__ import annotations

from dataclasses import dataclass

from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.messaging import touch_rules
from meghdoot.areas.messaging.person_token import PersonRef
from meghdoot.areas.messaging.touching import RunLinks, Touch, Touches, TouchKind
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import NotFound

_REASON_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """How somebody came: safe texts only (no control characters, bounded), see `http.recipients`."""

    method: str
    user_agent: str | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class Farewell:
    """What a person said when leaving: a reason of the closed list, words of their own, and whether from everything."""

    source: str
    reason: str | None = None
    detail: str | None = None
    everything: bool = False

    @property
    def text(self) -> str | None:
        """The reason as it stands in the ledger."""
        parts = [part for part in (touch_rules.known_reason(self.reason), self.detail) if part]
        return ": ".join(parts)[:_REASON_LIMIT] or None


@dataclass(frozen=True, slots=True)
class RecipientService:
    """Acts of recipients. A person who was erased is answered like any other, and nothing is stored."""

    consent: ConsentService
    touches: Touches
    links: RunLinks
    clock: Clock

    def unsubscribe(self, person: PersonRef, visit: Visit, farewell: Farewell) -> None:
        """Withdraw marketing on the message's channel, or on all; then keep the touch. Repeating is harmless.

        Raises Unavailable when the gate is closed and the write-once line could not be written: the caller must be told
        to try again.
        """
        if person.inert:
            return
        try:
            self._withdraw(person, visit, farewell)
        except NotFound:
            # Erased: there is nobody left to write to, which is what was asked for.
            return
        self._touch(person, "unsubscribe", reason=touch_rules.known_reason(farewell.reason))

    def _withdraw(self, person: PersonRef, visit: Visit, farewell: Farewell) -> None:
        self.consent.record(
            person.tenant, person.customer_id, person.channel, "marketing", "withdrawn", source=farewell.source,
            ip=visit.ip, user_agent=visit.user_agent, reason=farewell.text, evidence=person.send_key,
        )  # fmt: skip
        if farewell.everything:
            self.consent.withdraw_all(
                person.tenant, person.customer_id, source=farewell.source,
                ip=visit.ip, user_agent=visit.user_agent, reason=farewell.text, evidence=person.send_key,
            )  # fmt: skip

    def target(self, person: PersonRef, number: int) -> str | None:
        """Where link `number` of the message's run leads: looked up, never taken from a request."""
        if person.inert or number == touch_rules.HONEYPOT:
            return None
        return self.links.get(person.tenant, person.run_id, number)

    def followed(self, person: PersonRef, number: int, visit: Visit) -> None:
        """Keep the following of a link: the first click of the message and the first of the link, or a machine's."""
        if person.inert or not self.consent.knows(person.tenant, person.customer_id):
            return
        kind = touch_rules.click_kind(
            visit.method,
            visit.user_agent,
            number,
            self.clock.now(),
            issued_at=person.issued_at,
            trapped_at=self.touches.seen_at(self._made(person, "machine_click", link=touch_rules.HONEYPOT)),
        )
        if kind == "machine_click":
            self._touch(person, "machine_click", link=number)
        else:
            first = self.touches.clicked(self._made(person, "click", link=number))
            if first is not None and first != number:
                self._touch(person, "link_click", link=number)

    def opened(self, person: PersonRef, visit: Visit) -> None:
        """Keep the loading of the pixel: the first of a person, or the first of a machine."""
        if person.inert or not self.consent.knows(person.tenant, person.customer_id):
            return
        self._touch(person, touch_rules.open_kind(visit.method, visit.user_agent))

    def _touch(self, person: PersonRef, kind: TouchKind, *, link: int | None = None, reason: str | None = None) -> None:
        self.touches.touch(self._made(person, kind, link=link, reason=reason))

    def _made(self, person: PersonRef, kind: TouchKind, *, link: int | None = None, reason: str | None = None) -> Touch:
        at = self.clock.now()
        return Touch(person.tenant, person.customer_id, person.run_id, person.send_key, kind, at, link, reason)
