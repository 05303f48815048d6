"""The REST API's request authorizer: a key in, a policy and the principal out. The API trusts nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meghdoot.areas.access.model import Principal
from meghdoot.kernel.errors import Unauthenticated
from meghdoot.wiring import authorizer as wiring

_BEARER = "bearer "


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Allow the whole API to the holder of a key; scopes are checked by each route. Else the gateway answers 401."""
    try:
        principal = wiring.access().authenticate(_key(event.get("headers") or {}))
    except Unauthenticated as e:
        wiring.logger.info("key refused")
        # The one message that API Gateway turns into a 401; every other one would be a 500.
        raise Exception("Unauthorized") from e
    return _policy(principal, str(event["methodArn"]))


def _key(headers: Mapping[str, str]) -> str:
    named = {name.lower(): value for name, value in headers.items()}
    bearer = named.get("authorization", "")
    if bearer.lower().startswith(_BEARER):
        return bearer[len(_BEARER) :].strip()
    return named.get("x-api-key", "").strip()


def _policy(principal: Principal, method_arn: str) -> dict[str, Any]:
    # arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>: all routes of this stage.
    stage = "/".join(method_arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}
    return {
        "principalId": principal.actor,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {
            "tenant": principal.tenant,
            "actor": principal.actor,
            "role": principal.role,
            "scopes": " ".join(sorted(principal.scopes)),
        },
    }
