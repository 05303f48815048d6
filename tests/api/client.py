"""The API in process: the real Chalice application and endpoint over memory adapters, by API Gateway's own events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from api.app import build

from meghdoot.areas.access.model import Principal, Role
from meghdoot.areas.access.rules import ROLE_SCOPES
from meghdoot.http.routes import ROUTES
from meghdoot.http.table import PREFIXES
from meghdoot.wiring.api import endpoint_over
from meghdoot.wiring.services import Ports, Services
from tests.support.memory_services import memory_ports, memory_services

V1 = PREFIXES[0]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        return str(self.json["code"])

    @property
    def fields(self) -> list[str]:
        return [e["field"] for e in self.json["errors"]]


@dataclass
class Client:
    """Calls routes as a key of a tenant with a role."""

    ports: Ports = field(default_factory=memory_ports)
    tenant: str = "acme"
    role: Role = "admin"
    scopes: frozenset[str] | None = None
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        p = self.ports
        self.services = memory_services(p)
        endpoint = endpoint_over(self.services, p.idempotency, p.keyring, p.clock, p.ids)
        self._app = build(lambda: endpoint)

    def as_(self, tenant: str | None = None, role: Role | None = None, scopes: frozenset[str] | None = None) -> Client:
        """The same house, entered by somebody else."""
        other = object.__new__(Client)
        other.__dict__.update(self.__dict__)
        other.tenant, other.role, other.scopes = tenant or self.tenant, role or self.role, scopes
        return other

    @property
    def principal(self) -> Principal:
        scopes = self.scopes if self.scopes is not None else frozenset(ROLE_SCOPES[self.role])
        return Principal(self.tenant, f"key:{self.role}", self.role, scopes)

    def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None, *, prefix: str = V1,
        **headers: str,
    ) -> Reply:  # fmt: skip
        """One request. `path` is relative to the prefix; a body that is no text or bytes goes as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, str | None) else json.dumps(body)
        if not isinstance(body, str | None):
            named.setdefault("Content-Type", "application/json")
        return self.raw(method, prefix + path, raw, _many(query), named)

    def raw(
        self, method: str, path: str, body: str | None, query: dict[str, list[str]] | None, headers: Mapping[str, str]
    ) -> Reply:
        """One event through the application."""
        answer = self._app(self.event(method, path, body, query, headers), None)
        return Reply(answer["statusCode"], answer["headers"], answer["body"])

    def event(
        self, method: str, path: str, body: str | None, query: dict[str, list[str]] | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """The event of API Gateway. Raises LookupError for a path without a route, which never reaches a function."""
        template, params = match(path)
        who = self.principal
        return {
            "resource": template, "path": path, "httpMethod": method, "headers": dict(headers),
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in query.items()} if query else None,
            "multiValueQueryStringParameters": query or None, "pathParameters": params or None, "stageVariables": None,
            "requestContext": {
                "httpMethod": method, "resourcePath": template, "requestId": "req-test", "stage": "live",
                "identity": {"sourceIp": "203.0.113.7", "userAgent": "tests"},
                "authorizer": {
                    "tenant": who.tenant, "actor": who.actor, "role": who.role, "scopes": " ".join(sorted(who.scopes)),
                    "principalId": who.actor,
                },
            },
            "body": body, "isBase64Encoded": False,
        }  # fmt: skip

    def get(self, path: str, **query: Any) -> Reply:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Reply:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **query: Any) -> Reply:
        return self.call("DELETE", path, query=query)


def _many(query: Mapping[str, Any] | None) -> dict[str, list[str]]:
    return {name: [str(value)] for name, value in (query or {}).items() if value is not None}


def match(path: str) -> tuple[str, dict[str, str]]:
    """The route's path and its parameters, as the gateway finds them: literal parts before parameters."""
    templates = [prefix + route.path for prefix in PREFIXES for route in ROUTES]
    parts = path.split("/")
    for template in sorted(set(templates), key=lambda t: t.count("{")):
        wanted = template.split("/")
        if len(wanted) == len(parts) and all(w.startswith("{") or w == p for w, p in zip(wanted, parts, strict=True)):
            params = {w[1:-1]: unquote(p) for w, p in zip(wanted, parts, strict=True) if w.startswith("{")}
            return template, params
    raise LookupError(path)


def escaped(text: str) -> str:
    """A path parameter as it stands in a path."""
    return quote(text, safe="")
