"""A key opens the API for its tenant; everything else is 401, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from authorizer.app import handler

from meghdoot.wiring import authorizer as wiring
from tests.support.world import world

ARN = "arn:aws:execute-api:us-east-1:000000000000:api1/live/GET/api/v1/marketing/segments"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as env:
        yield env


def ask(**headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return handler({"type": "REQUEST", "methodArn": ARN, "headers": named}, None)


def test_a_key_opens_every_route_of_the_stage_as_its_own_tenant(deployed: dict[str, str]) -> None:
    key, text = wiring.access().create_key("acme", "server", "editor", ["segments:read", "segments:write"], "ops")
    for answer in (ask(Authorization=f"Bearer {text}"), ask(x_api_key=text), ask(authorization=f"bearer  {text}")):
        assert answer["policyDocument"]["Statement"] == [
            {
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": "arn:aws:execute-api:us-east-1:000000000000:api1/live/*",
            }
        ]
        assert answer["context"] == {
            "tenant": "acme", "actor": f"key:{key.id}", "role": "editor", "scopes": "segments:read segments:write",
        }  # fmt: skip


def test_018_whatever_is_wrong_with_a_key_the_answer_is_the_same(deployed: dict[str, str]) -> None:
    key, text = wiring.access().create_key("acme", "server", "admin", None, "ops")
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    none = "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJhY21lIn0."
    for bad in ("", "mdk", wrong, text.replace("acme", "other"), text + ".x", none, text.upper(), "é"):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            ask(Authorization=f"Bearer {bad}")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(Authorization=f"Basic {text}")
    wiring.access().revoke("acme", key.id, "ops")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(Authorization=f"Bearer {text}")


def test_024_a_rotated_key_ends_with_its_overlap(deployed: dict[str, str]) -> None:
    key, text = wiring.access().create_key("acme", "server", "admin", None, "ops")
    _, fresh = wiring.access().rotate("acme", key.id, timedelta(0), "ops")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(x_api_key=text)
    assert ask(x_api_key=fresh)["context"]["tenant"] == "acme"
