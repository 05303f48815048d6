"""The border: what DynamoDB's clients raise becomes our own error tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from meghdoot.kernel.errors import Throttled, Unavailable

_THROTTLES = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TransactionInProgressException",
}


def error_code(error: BaseException) -> str:
    """The service's own code of an error, or an empty text."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    code: Any = getattr(error, "cause_response_code", None)
    return str(code or "")


def condition_failed(error: BaseException) -> bool:
    """Whether a conditional write was refused."""
    return error_code(error) == "ConditionalCheckFailedException"


@contextmanager
def translated() -> Iterator[None]:
    """Turns SDK errors into Throttled or Unavailable; our own errors pass."""
    try:
        yield
    except (ClientError, BotoCoreError, PynamoDBException) as e:
        if error_code(e) in _THROTTLES:
            raise Throttled("the database is busy", retry_after=1) from e
        raise Unavailable("the database does not answer") from e
