"""One way to call DynamoDB's API by operation name, with two clients behind it: boto3 here, the thin one in `adapters.wire`.

Hot adapters are written over `Calls`, so that a function that must start fast can use the thin client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol


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
