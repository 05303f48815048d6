"""The REST API's request authorizer: a key in, a policy and the principal out. The API trusts nothing else."""

from __future__ import annotations

from typing import Any

from meghdoot.http.authorizing import key_text, policy
from meghdoot.kernel.errors import Unauthenticated
from meghdoot.wiring import authorizer as wiring


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The policy of whoever holds the key. Raises `Unauthorized`, which the gateway answers with 401."""
    try:
        principal = wiring.access().authenticate(key_text(event.get("headers") or {}))
    except Unauthenticated as e:
        wiring.logger.info("key refused")
        # The one message that API Gateway turns into a 401; every other one would be a 500.
        raise Exception("Unauthorized") from e
    return policy(principal, str(event["methodArn"]))
