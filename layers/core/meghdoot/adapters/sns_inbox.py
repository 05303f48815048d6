"""What SNS posts: true notifications go to the queue of receipts, invitations of our own topics are accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from ssl import create_default_context
from urllib.parse import urlsplit

from meghdoot.adapters.sns_verify import SnsMessage, SnsVerifier
from meghdoot.kernel.errors import Unavailable

_FETCH_SECONDS = 3.0
_CERTIFICATE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class SnsInbox:
    """Takes one post. `put` puts the envelope as it came on the queue, where it is told apart by its MessageId."""

    verifier: SnsVerifier
    put: Callable[[str], None]
    confirm: Callable[[SnsMessage], None]

    def take(self, body: bytes, headers: Mapping[str, str]) -> str:
        """Verify, then queue or confirm; answers the message's type.

        Raises Forbidden for what is not believed, Unavailable when it must come again.
        """
        message = self.verifier.verify(body, headers)
        if message.type == "Notification":
            self.put(body.decode())
        elif message.type == "SubscriptionConfirmation":
            self.confirm(message)
        # The end of a subscription needs no act of ours: only the topic's owner can have asked for it.
        return message.type


def fetch_certificate(url: str) -> bytes:
    """A certificate over https, from an address that the verifier has checked. No redirects, bounded time and size.

    Raises Unavailable.
    """
    address = urlsplit(url)
    connection = HTTPSConnection(address.hostname or "", timeout=_FETCH_SECONDS, context=create_default_context())
    try:
        connection.request("GET", address.path)
        response = connection.getresponse()
        text = response.read(_CERTIFICATE_BYTES + 1)
    except (OSError, HTTPException) as e:
        raise Unavailable("the certificate of SNS cannot be fetched") from e
    finally:
        connection.close()
    if response.status != 200 or len(text) > _CERTIFICATE_BYTES:
        raise Unavailable(f"the certificate of SNS cannot be fetched: {response.status}")
    return text
