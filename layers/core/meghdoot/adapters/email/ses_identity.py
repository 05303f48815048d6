"""Amazon SES's word on whether an address or a domain may send (API version 2)."""

from __future__ import annotations

from typing import Any

from meghdoot.areas.tenants.model import SenderStatus
from meghdoot.kernel.errors import Unavailable

# SES looks again by itself after NOT_STARTED and TEMPORARY_FAILURE; only FAILED is its last word.
_STATUSES: dict[str, SenderStatus] = {
    "SUCCESS": "verified",
    "PENDING": "pending",
    "NOT_STARTED": "pending",
    "TEMPORARY_FAILURE": "pending",
    "FAILED": "failed",
}


class SesIdentityVerifier:
    """`client` is boto3's `sesv2`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def begin(self, identity: str) -> None:
        """Ask SES to verify: it mails an address, and names DKIM records for a domain. Repeating is fine."""
        self._ask(self._client.create_email_identity, identity, "AlreadyExistsException")

    def status(self, identity: str) -> SenderStatus:
        """What SES says now; an identity that it does not know is `failed`."""
        answer = self._ask(self._client.get_email_identity, identity, "NotFoundException")
        if answer is None:
            return "failed"
        if answer.get("VerifiedForSendingStatus"):
            return "verified"
        return _STATUSES.get(str(answer.get("VerificationStatus")), "pending")

    @staticmethod
    def _ask(call: Any, identity: str, fine: str) -> dict[str, Any] | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return dict(call(EmailIdentity=identity))
        except ClientError as e:
            if e.response.get("Error", {}).get("Code") == fine:
                return None
            raise Unavailable("the mail provider does not answer") from e
        except BotoCoreError as e:
            raise Unavailable("the mail provider does not answer") from e
