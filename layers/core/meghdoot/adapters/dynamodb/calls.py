"""One way to call DynamoDB's API by operation name, with two clients behind it: boto3 here, the thin one in `adapters.wire`.

Hot adapters are written over `Calls`, so that a function that must start fast can use the thin client.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from meghdoot.kernel.errors import AppError, Throttled, Unavailable

CONDITION_FAILED = "ConditionalCheckFailedException"
TRANSACTION_CANCELLED = "TransactionCanceledException"

# The service has refused for now and says so: nothing was written, and the same call may be made again.
THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "RequestLimitExceeded",
        "TransactionInProgressException",
        "TransactionConflict",
        "TransactionConflictException",
    }
)


class CallError(Exception):
    """The service said no, or nothing. `code` is its own, such as ConditionalCheckFailedException; `body` its whole answer.

    `code` is `Unreachable` when there was no answer that could be read.
    """

    def __init__(self, code: str, message: str = "", body: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.body = body or {}

    @property
    def reasons(self) -> list[str]:
        """Codes of a cancelled transaction, by action (`None` for those that would have passed)."""
        return [str(reason.get("Code")) for reason in self.body.get("CancellationReasons", [])]


def translated_error(error: CallError) -> AppError:
    """What the areas may see of a CallError: Throttled, or Unavailable."""
    if error.code in THROTTLES or (error.reasons and THROTTLES.intersection(error.reasons)):
        return Throttled("the database is busy", retry_after=1)
    return Unavailable("the database does not answer")


class Calls(Protocol):
    """`calls("UpdateItem", {...})` in the API's own JSON form; raises CallError."""

    def __call__(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]: ...


class BotoCalls:
    """Calls by a boto3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
        try:
            return dict(getattr(self._client, method)(**payload))
        except ClientError as e:
            error = e.response.get("Error", {})
            raise CallError(error.get("Code", "Unknown"), error.get("Message", ""), dict(e.response)) from e
        except BotoCoreError as e:
            raise CallError("Unreachable", type(e).__name__) from e


@contextmanager
def answered() -> Iterator[None]:
    """Turns what is left of CallErrors into Throttled or Unavailable; our own errors pass."""
    try:
        yield
    except CallError as e:
        raise translated_error(e) from e
