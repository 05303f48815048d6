"""A request and an answer, without any framework: what the endpoint reads and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as the gateway hands it over. Header names are lower-cased; `authorizer` is the authorizer's context."""

    path_params: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes
    authorizer: Mapping[str, Any]
    request_id: str
    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer. `body` is JSON text, empty for 204."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
