"""An SNS of our own: a key, a certificate, and messages signed as Amazon signs them."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, random_serial_number
from cryptography.x509.oid import NameOID

from meghdoot.adapters.sns_verify import signed_text
from meghdoot.kernel.clock import iso

TOPIC = "arn:aws:sns:ap-south-1:123456789012:provider-events"
CERTIFICATE_URL = "https://sns.ap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"


@dataclass
class FakeSns:
    """Signs messages; `fetch` gives its certificate and counts."""

    now: datetime
    valid_for: timedelta = timedelta(days=30)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = Name([NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        builder = CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(random_serial_number()).not_valid_before(self.now - timedelta(days=1))
        certificate = builder.not_valid_after(self.now + self.valid_for).sign(self.key, hashes.SHA256())
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return self.pem

    def message(self, kind: str = "Notification", version: str = "2", **changed: str) -> dict[str, str]:
        """A signed message. What is `changed` is changed before it is signed."""
        message = {
            "Type": kind,
            "MessageId": "m-1",
            "TopicArn": TOPIC,
            "Message": '{"eventType":"Bounce","নাম":"চা"}',
            "Timestamp": iso(self.now),
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_URL,
        }
        if kind == "Notification":
            message |= {"Subject": "Amazon SES", "UnsubscribeURL": "https://sns.ap-south-1.amazonaws.com/?Action=U"}
        else:
            message |= {"Token": "t-1", "SubscribeURL": "https://sns.ap-south-1.amazonaws.com/?Action=C"}
        message |= changed
        return self.signed(message)

    def signed(self, message: dict[str, str]) -> dict[str, str]:
        """The message with the signature that its version asks for."""
        digest: Any = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()
        signature = self.key.sign(signed_text(message), padding.PKCS1v15(), digest)
        return message | {"Signature": b64encode(signature).decode()}


def headers_of(message: dict[str, str]) -> dict[str, str]:
    """The headers that SNS sends with a message."""
    return {
        "x-amz-sns-message-type": message.get("Type", ""),
        "x-amz-sns-message-id": message.get("MessageId", ""),
        "x-amz-sns-topic-arn": message.get("TopicArn", ""),
    }


def body_of(message: dict[str, str]) -> bytes:
    """The body: JSON, whatever its Content-Type says."""
    return json.dumps(message, ensure_ascii=False).encode()
