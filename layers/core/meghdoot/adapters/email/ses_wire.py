"""Mails by Amazon SES v2 over the thin client. One call is at most one POST; a lost answer is told, never asked for again."""

from __future__ import annotations

import json
from binascii import b2a_base64

from meghdoot.adapters.email.mime import compose
from meghdoot.adapters.email.outcomes import outcome_of
from meghdoot.adapters.email.tags import email_tags
from meghdoot.adapters.wire import Answer, AwsWire, NotSent, Unreachable
from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from meghdoot.kernel.errors import Invalid

READ_SECONDS = 8.0
_PATH = "/v2/email/outbound-emails"
_HEADERS = {"content-type": "application/json"}


class SesWireProvider:
    """Raw MIME by SendEmail, with tags that come back in every event of the configuration set. Says what `ses` says.

    `wire` waits `READ_SECONDS` for an answer. A connection is kept between calls; it is not trusted when it has stood idle
    or when the service has ended it, so that a mail is not lost to doubt where there need be none.
    """

    name = "ses"

    def __init__(self, wire: AwsWire, configuration_set: str) -> None:
        self._wire = wire
        self._tail = f',"ConfigurationSetName":{json.dumps(configuration_set)}}}'.encode()

    def send(self, mail: OutboundEmail) -> Outcome:
        try:
            raw = compose(mail)
        except Invalid as e:
            return Outcome("refused", code=e.code)
        try:
            answer = self._wire.once("ses", _HEADERS, self._body(mail, raw), _PATH)
        except NotSent as e:
            return Outcome("retry", code=_cause(e))
        except Unreachable as e:
            return Outcome("ambiguous", code=_cause(e))
        return _outcome(answer)

    def _body(self, mail: OutboundEmail, raw: bytes) -> bytes:
        asked = {
            "FromEmailAddress": mail.sender_email,
            "Destination": {"ToAddresses": [mail.to]},
            "EmailTags": email_tags(mail.tags),
        }
        # The message is by far the largest part and needs no escaping: it is joined to the rest as it is.
        head = json.dumps(asked, separators=(",", ":"))[:-1].encode()
        return b"".join((head, b',"Content":{"Raw":{"Data":"', b2a_base64(raw, newline=False), b'"}}', self._tail))


def _cause(error: Unreachable) -> str:
    return type(error.__cause__).__name__


def _outcome(answer: Answer) -> Outcome:
    told = _told(answer.body)
    if answer.status == 200:
        # Taken, however the body ends; the event brings the id then.
        return Outcome("accepted", _text(told.get("MessageId")))
    code = answer.headers.get("x-amzn-errortype") or _text(told.get("__type") or told.get("code")) or ""
    sentence = _text(told.get("message") or told.get("Message")) or ""
    return outcome_of(answer.status, code.partition(":")[0].rpartition("#")[2], sentence)


def _told(body: bytes) -> dict[str, object]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
