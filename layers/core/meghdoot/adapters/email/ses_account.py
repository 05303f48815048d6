"""What Amazon SES grants the account (API version 2), and what the local provider is taken to grant."""

from __future__ import annotations

from typing import Any

from meghdoot.areas.messaging.pacing_model import Grant
from meghdoot.kernel.errors import Unavailable

_NO_QUOTA = -1
_LOCAL_RATE = 1000.0


class SesAccountReader:
    """`client` is boto3's `sesv2`. SES answers one such question a second."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self) -> Grant:
        """Rate, quota and standing of the account in this region. Raises Unavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_account()
        except (BotoCoreError, ClientError) as e:
            raise Unavailable("the mail provider does not answer") from e
        quota = answer.get("SendQuota", {})
        most = int(quota.get("Max24HourSend", _NO_QUOTA))
        return Grant(
            rate=float(quota.get("MaxSendRate", 0.0)),
            max_24h=None if most == _NO_QUOTA else most,
            sent_24h=int(quota.get("SentLast24Hours", 0)),
            sending_enabled=bool(answer.get("SendingEnabled", True)),
            in_sandbox=not answer.get("ProductionAccessEnabled", True),
        )


class LocalAccountReader:
    """The provider that the local stack plays grants what the settings say, without a quota."""

    def __init__(self, bound: float) -> None:
        self._rate = bound or _LOCAL_RATE

    def read(self) -> Grant:
        """Always the same."""
        return Grant(self._rate, None)
