"""Mails by Amazon SES v2. One call is one POST: the client that is built here never repeats."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)
from botocore.parsers import ResponseParserError

from meghdoot.adapters.email.mime import compose
from meghdoot.adapters.email.outcomes import outcome_of
from meghdoot.adapters.email.tags import email_tags
from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from meghdoot.kernel.errors import Invalid

CONNECT_SECONDS, READ_SECONDS = 3.0, 8.0
# Nothing was written to a connection that never stood.
_NEVER_LEFT = (EndpointConnectionError, ConnectTimeoutError)


def ses_client(region: str, endpoint: str | None = None, *, read_seconds: float = READ_SECONDS) -> Any:
    """The only maker of clients that send: a lost answer is told, never tried again."""
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        tcp_keepalive=True,
    )
    return boto3.client("sesv2", region_name=region, endpoint_url=endpoint, config=config)


class SesProvider:
    """Raw MIME by SendEmail, with tags that come back in every event of the configuration set."""

    name = "ses"

    def __init__(self, client: Any, configuration_set: str) -> None:
        self._client = client
        self._configuration_set = configuration_set

    def send(self, mail: OutboundEmail) -> Outcome:
        try:
            raw = compose(mail)
        except Invalid as e:
            return Outcome("refused", code=e.code)
        try:
            answer = self._client.send_email(
                FromEmailAddress=mail.sender_email,
                Destination={"ToAddresses": [mail.to]},
                Content={"Raw": {"Data": raw}},
                EmailTags=email_tags(mail.tags),
                ConfigurationSetName=self._configuration_set,
            )
        except ClientError as e:
            error, meta = e.response.get("Error", {}), e.response.get("ResponseMetadata", {})
            return outcome_of(meta.get("HTTPStatusCode", 500), error.get("Code", ""), error.get("Message", ""))
        except _NEVER_LEFT as e:
            return Outcome("retry", code=type(e).__name__)
        except (NoCredentialsError, ParamValidationError) as e:
            return Outcome("stop", code=type(e).__name__)
        except (BotoCoreError, ResponseParserError, OSError) as e:
            return Outcome("ambiguous", code=type(e).__name__)
        return Outcome("accepted", answer.get("MessageId"))
