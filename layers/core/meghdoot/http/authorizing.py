"""What a request authorizer reads and answers: a key from the headers, a policy with the principal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meghdoot.areas.access.model import Principal

_BEARER = "bearer "


def key_text(headers: Mapping[str, str]) -> str:
    """The key of `Authorization: Bearer ...`, else of `x-api-key`; empty for none."""
    named = {name.lower(): value for name, value in headers.items()}
    bearer = named.get("authorization", "")
    if bearer.lower().startswith(_BEARER):
        return bearer[len(_BEARER) :].strip()
    return named.get("x-api-key", "").strip()


def policy(principal: Principal, method_arn: str) -> dict[str, Any]:
    """Allow all routes of the stage; each route checks its own scope. The context is all that the API believes."""
    # arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>
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
