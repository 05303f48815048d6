"""Events and notifications of Amazon SES, as they come through SNS and SQS, in our terms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meghdoot.areas.messaging.model import Fact, FactType
from meghdoot.kernel.clock import parse_iso
from meghdoot.kernel.errors import Malformed

_VALIDATION = "Successfully validated SNS topic"
_MAX_TAG = 64
_SUPPRESSED = frozenset({"Suppressed", "OnAccountSuppressionList"})

Told = tuple[FactType, str | None, str | None, list[str]]
"""Type, subtype, reason and addresses."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Facts of one message. `ignored` says why there are none: it is counted, and acknowledged all the same."""

    facts: tuple[Fact, ...] = ()
    ignored: str | None = None


def parse(body: str, provider: str = "ses") -> Parsed:
    """Facts of a queue message: an SNS envelope, or the event itself. Raises Malformed for what is neither."""
    if body.startswith(_VALIDATION):
        return Parsed(ignored="validation")
    outer = _json(body)
    envelope_id = outer.get("MessageId")
    if "Message" in outer and "Type" in outer:
        if outer["Type"] != "Notification":
            return Parsed(ignored=str(outer["Type"]))
        if str(outer["Message"]).startswith(_VALIDATION):
            return Parsed(ignored="validation")
        outer = _json(outer["Message"])
    kind = outer.get("eventType") or outer.get("notificationType")
    reader = _READERS.get(str(kind))
    if reader is None:
        return Parsed(ignored=f"type:{kind}")
    try:
        return Parsed(tuple(_facts(outer, reader, provider, str(kind), envelope_id)))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
        raise Malformed("this event lacks what every event has", code="bad_event") from e


def _json(text: Any) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, TypeError, RecursionError) as e:
        raise Malformed("this message is no JSON", code="bad_event") from e
    if not isinstance(data, dict):
        raise Malformed("this message is no event", code="bad_event")
    return data


def _facts(
    event: Mapping[str, Any],
    reader: Callable[[Mapping[str, Any]], Told],
    provider: str,
    kind: str,
    envelope: str | None,
) -> Iterator[Fact]:
    mail = event["mail"]
    detail = event.get(kind[:1].lower() + kind[1:], {})
    type_, subtype, reason, addresses = reader(detail)
    at = _time(detail.get("timestamp") or mail["timestamp"])
    tags = {name: values[0] for name, values in mail.get("tags", {}).items() if values}
    for address in addresses or mail.get("destination", [])[:1] or [None]:
        yield Fact(
            provider=provider,
            type=type_,
            at=at,
            dedupe_key=envelope or f"{mail['messageId']}:{kind}:{detail.get('timestamp', '')}",
            accepted_at=_time(mail["timestamp"]),
            subtype=subtype,
            reason=reason,
            provider_id=mail.get("messageId"),
            tenant=tags.get("tenant"),
            run_id=tags.get("run"),
            chunk=_number(tags.get("chunk")),
            index=_number(tags.get("index")),
            customer_id=tags.get("customer"),
            send_key=tags.get("key"),
            minute=tags.get("minute"),
            mail_hash=_short(tags.get("hash")),
            mailed_at=_seconds(tags.get("date")),
            key_id=_short(tags.get("kid")),
            address=address,
            source_identity=mail.get("source"),
            message_id=_short(tags.get("message")),
            attempt=_number(tags.get("attempt")),
        )


def _time(text: str) -> datetime:
    return parse_iso(text)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else None


def _seconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 12 else None


def _short(text: str | None) -> str | None:
    """A tag that goes into a row: one that is longer than any of ours is not kept."""
    return text if text is not None and 0 < len(text) <= _MAX_TAG else None


def _addresses(people: Any) -> list[str]:
    return [str(person["emailAddress"]) for person in people or []]


def _bounce(detail: Mapping[str, Any]) -> Told:
    kind, subtype = detail["bounceType"], detail.get("bounceSubType", "")
    people = detail.get("bouncedRecipients", [])
    status = people[0].get("status") if people else None
    reason = f"{kind}/{subtype}" + (f" {status}" if status else "")
    told = "soft"
    if kind == "Permanent":
        told = "suppressed" if subtype in _SUPPRESSED else "hard"
    return "bounced", told, reason, _addresses(people)


def _complaint(detail: Mapping[str, Any]) -> Told:
    feedback = detail.get("complaintFeedbackType")
    return "complained", feedback, feedback, _addresses(detail.get("complainedRecipients"))


def _delivery(detail: Mapping[str, Any]) -> Told:
    return "delivered", None, None, [str(a) for a in detail.get("recipients", [])]


def _delay(detail: Mapping[str, Any]) -> Told:
    return "deferred", None, detail.get("delayType"), _addresses(detail.get("delayedRecipients"))


def _reject(detail: Mapping[str, Any]) -> Told:
    return "rejected", None, f"rejected: {detail.get('reason', '')}"[:200], []


def _send(_detail: Mapping[str, Any]) -> Told:
    return "accepted", None, None, []


_READERS: dict[str, Callable[[Mapping[str, Any]], Told]] = {
    "Send": _send, "Delivery": _delivery, "Bounce": _bounce, "Complaint": _complaint, "Reject": _reject,
    "DeliveryDelay": _delay,
}  # fmt: skip
