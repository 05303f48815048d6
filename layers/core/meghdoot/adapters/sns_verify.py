"""Whether a message over HTTP is truly from one of our own SNS topics.

Anybody at AWS can have Amazon sign something, so the topic must be one of ours; it is checked before anything is
fetched. `cryptography` is loaded with the first message, since a function should start without it.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meghdoot.kernel.clock import Clock, parse_iso
from meghdoot.kernel.errors import Forbidden

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_AGE = timedelta(minutes=75)
"""SNS repeats a delivery for at most an hour."""
MAX_AHEAD = timedelta(minutes=15)

_CERTIFICATE_URL = re.compile(
    r"https://sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?/SimpleNotificationService-[0-9a-fA-F]{8,128}\.pem"
)
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: dict[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_HEADERS = {"x-amz-sns-message-type": "Type", "x-amz-sns-message-id": "MessageId", "x-amz-sns-topic-arn": "TopicArn"}
_CERTIFICATES_KEPT = 16


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message that is truly from one of our topics."""

    type: str
    id: str
    topic: str
    token: str | None
    """Only of an invitation to subscribe."""

    @property
    def region(self) -> str:
        """Where the topic lives."""
        return self.topic.split(":")[3]


@dataclass
class SnsVerifier:
    """Checks messages. `fetch` gets the text of a certificate from an address that has been checked before."""

    topics: frozenset[str]
    fetch: Callable[[str], bytes]
    clock: Clock
    _kept: dict[str, Certificate] = field(default_factory=dict)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> SnsMessage:
        """The message in a body, with its headers in lower case.

        Raises Forbidden, which never says which check failed, and Unavailable when the certificate cannot be fetched.
        """
        message = _fields(body)
        self._check_plain(message, headers)
        certificate = self._certificate(message["SigningCertURL"])
        if not self._is_valid_now(certificate) or not _is_signed(message, certificate):
            raise _refusal()
        return SnsMessage(message["Type"], message["MessageId"], message["TopicArn"], message.get("Token"))

    def _check_plain(self, message: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """All that can be told without a certificate, the topic first of all."""
        agree = all(headers.get(header) == message.get(name) for header, name in _HEADERS.items())
        if message.get("TopicArn") not in self.topics or not agree:
            raise _refusal()
        complete = all(name in message for name in _SIGNED.get(message["Type"], ("?",)) if name != "Subject")
        signed_at = message.get("SigningCertURL", "")
        if not complete or not _CERTIFICATE_URL.fullmatch(signed_at) or not self._is_recent(message["Timestamp"]):
            raise _refusal()

    def _is_recent(self, timestamp: str) -> bool:
        try:
            age = self.clock.now() - parse_iso(timestamp)
        except ValueError:
            return False
        return -MAX_AHEAD <= age <= MAX_AGE

    def _is_valid_now(self, certificate: Certificate) -> bool:
        return certificate.not_valid_before_utc <= self.clock.now() <= certificate.not_valid_after_utc

    def _certificate(self, url: str) -> Certificate:
        from cryptography.x509 import load_pem_x509_certificate

        if url not in self._kept:
            try:
                certificate = load_pem_x509_certificate(self.fetch(url))
            except ValueError as e:
                raise _refusal() from e
            if len(self._kept) >= _CERTIFICATES_KEPT:
                self._kept.clear()
            self._kept[url] = certificate
        return self._kept[url]


def _refusal() -> Forbidden:
    return Forbidden("this message is not believed", code="bad_signature")


def _fields(body: bytes) -> dict[str, str]:
    """The message's text fields; what is not text is none of those that are signed."""
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError) as e:
        raise _refusal() from e
    if not isinstance(message, dict):
        raise _refusal()
    return {name: value for name, value in message.items() if isinstance(value, str)}


def signed_text(message: Mapping[str, str]) -> bytes:
    """What SNS signs: name and value of each signed field that is there, by name, a line each."""
    names = sorted(name for name in _SIGNED[message["Type"]] if name in message)
    return "".join(f"{name}\n{message[name]}\n" for name in names).encode("utf-8", "surrogatepass")


def _is_signed(message: Mapping[str, str], certificate: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    # Version 1 is SNS's own form; a topic that is set to version 2 signs with SHA-256.
    digests = {"1": SHA1(), "2": SHA256()}  # noqa: S303
    digest = digests.get(message.get("SignatureVersion", ""))
    key = certificate.public_key()
    if digest is None or not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(b64decode(message.get("Signature", ""), validate=True), signed_text(message), PKCS1v15(), digest)
    except (InvalidSignature, ValueError):
        return False
    return True
