"""The thin client before moto: its signed requests go through `requests`, where moto listens as it does inside botocore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import requests

from meghdoot.adapters.sigv4 import Request, signed_headers
from meghdoot.adapters.wire import Answer, AwsWire


def serve_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto answer both ways of calling. To be used inside `mock_aws`."""

    def call(
        wire: AwsWire, service: str, headers: Mapping[str, str], body: bytes, *, repeatable: bool = False,
        method: str = "POST", path: str = "/", bucket: str | None = None,
    ) -> Answer:  # fmt: skip
        del repeatable
        origin, full_path = wire._address(service, path, bucket)
        request = Request(method, origin.partition("://")[2], full_path, {}, headers, body)
        signed = signed_headers(request, wire._credentials(), wire._region, service, wire._clock.now())
        answer = requests.request(method, origin + full_path, headers=signed, data=body, timeout=10)
        return Answer(answer.status_code, answer.content, {k.lower(): v for k, v in answer.headers.items()})

    def once(wire: AwsWire, service: str, headers: Mapping[str, str], body: bytes, path: str) -> Answer:
        return call(wire, service, headers, body, path=path)

    replaced: dict[str, Any] = {"call": call, "once": once}
    for name, function in replaced.items():
        monkeypatch.setattr(AwsWire, name, function)
