"""One wrapper around every view: who asks, may they, what do they say, once only, and an answer or a problem.

Views are plain functions `(services, call) -> model | None`. Chalice's middleware never sees plain exceptions, so nothing
may leave `Endpoint.serve` but an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError

from meghdoot.areas.access.model import Principal, Role
from meghdoot.areas.access.rules import require
from meghdoot.http import body as bodies
from meghdoot.http.etag import etag, expected_version
from meghdoot.http.idempotency import Idempotency
from meghdoot.http.message import HttpRequest, HttpResponse
from meghdoot.http.paging import Cursors
from meghdoot.http.problem import internal, problem
from meghdoot.http.rates import RequestRates
from meghdoot.http.table import Route
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import AppError, FieldError, Invalid, NotFound, Unauthenticated, UnsupportedMedia
from meghdoot.kernel.i18n import has_forbidden_characters, nfc
from meghdoot.kernel.ids import digest
from meghdoot.kernel.keyring import Keyring

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
M = TypeVar("M", bound=BaseModel)

_JSON_TYPES = ("application/json", "")
_MAX_PARAM = 512


@dataclass(frozen=True, slots=True)
class Call:
    """What a view is given: the principal, and its checked input."""

    principal: Principal
    path: Mapping[str, str]
    query: Any
    body: Any
    text: str
    """The body of a route that takes text (CSV)."""
    expected_version: int | None
    cursors: Cursors
    ip: str | None
    user_agent: str | None
    idempotency_key: str | None = None
    """The header, for the use case that makes it a name for ever."""

    @property
    def tenant(self) -> str:
        """Whose data this is about; only ever from the authorizer."""
        return self.principal.tenant


class View(Protocol[S_contra]):
    """Calls one use case; answers a model of the route's answer (None for 204)."""

    def __call__(self, services: S_contra, call: Call, /) -> BaseModel | None: ...


class Log(Protocol):
    """Where one line a request goes: ids and decisions only."""

    def __call__(self, message: str, fields: Mapping[str, Any], error: BaseException | None = None) -> None: ...


def _silent(message: str, fields: Mapping[str, Any], error: BaseException | None = None) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[S]):
    """Serves routes of the table with the services that views call."""

    services: S
    idempotency: Idempotency
    keyring: Keyring
    clock: Clock
    log: Log = field(default=_silent)
    rates: RequestRates | None = None
    """Limits of keys and tenants; None where nobody limits, as in tests."""

    def limited(self, rates: RequestRates) -> Endpoint[S]:
        """The same endpoint, with limits."""
        return replace(self, rates=rates)

    def serve(self, route: Route, view: View[S], request: HttpRequest) -> HttpResponse:
        """The answer of a view, or a problem. Never raises."""
        fields: dict[str, Any] = {"route": route.operation_id, "request_id": request.request_id}
        try:
            principal = _principal(request.authorizer)
            fields |= {"tenant": principal.tenant, "actor": principal.actor}
            response = self._checked(route, view, request, principal)
        except AppError as e:
            response = problem(e, request.request_id)
            self.log("request refused", fields | {"status": response.status, "code": e.code})
        except Exception as e:  # noqa: BLE001  the last border: a caller gets a problem, the log gets the cause
            response = internal(request.request_id)
            self.log("request failed", fields | {"status": 500}, e)
        else:
            self.log("request served", fields | {"status": response.status})
        return HttpResponse(response.status, response.body, {**response.headers, "X-Request-Id": request.request_id})

    def _checked(self, route: Route, view: View[S], request: HttpRequest, principal: Principal) -> HttpResponse:
        if self.rates is not None:
            self.rates.check(principal.tenant, principal.actor)
        require(principal, route.scope)
        call = self._call(route, request, principal)
        key = request.headers.get("idempotency-key") if route.method == "POST" else None
        return self.idempotency.once(
            principal.tenant,
            key,
            _fingerprint(route, request, call) if key is not None else "",
            lambda: _answer(route, view(self.services, call)),
            route.shown_once,
        )

    def _call(self, route: Route, request: HttpRequest, principal: Principal) -> Call:
        bodies.check_size(request.body)
        path = _path(request.path_params)
        query = _query(route, request)
        return Call(
            principal=principal,
            path=path,
            query=query,
            body=_body(route, request),
            text=_text(route, request),
            expected_version=expected_version(request.headers.get("if-match")) if route.if_match else None,
            cursors=Cursors(self.keyring, principal.tenant, _listing(route, path, query), self.clock.now()),
            ip=request.ip,
            user_agent=_header_text(request.user_agent),
            idempotency_key=_header_text(request.headers.get("idempotency-key")),
        )


def _principal(context: Mapping[str, Any]) -> Principal:
    """The principal that the authorizer proved. Nothing else in a request says who asks."""
    try:
        scopes = frozenset(str(context["scopes"]).split())
        return Principal(str(context["tenant"]), str(context["actor"]), cast(Role, str(context["role"])), scopes)
    except KeyError as e:
        raise Unauthenticated("no valid API key", hint="Send `Authorization: Bearer mdk...`.") from e


def _path(params: Mapping[str, str]) -> dict[str, str]:
    for value in params.values():
        # No stored id has such characters; `#` separates the parts of a key.
        if not value or len(value) > _MAX_PARAM or "#" in value or has_forbidden_characters(value):
            raise NotFound("there is no such thing")
    return {name: nfc(value) for name, value in params.items()}


def _query(route: Route, request: HttpRequest) -> BaseModel | None:
    repeated = [name for name, values in request.query.items() if len(values) > 1]
    if repeated:
        raise Invalid.field(_shown(repeated[0]), "repeated", "is given more than once")
    values = {name: values[0] for name, values in request.query.items() if values}
    bad = [name for name, value in values.items() if has_forbidden_characters(name + value) or len(value) > 4096]
    if bad:
        raise Invalid.field(_shown(bad[0]), "forbidden_characters", "is too long or holds control characters")
    if route.query is None:
        if values:
            raise Invalid.field(_shown(next(iter(values))), "extra_forbidden", "this route has no such parameter")
        return None
    try:
        return route.query.model_validate({name: nfc(value) for name, value in values.items()})
    except ValidationError as e:
        raise invalid(e) from e


def _body(route: Route, request: HttpRequest) -> BaseModel | None:
    if route.body is None:
        return None
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in _JSON_TYPES:
        raise UnsupportedMedia("the body must be application/json")
    if not request.body and route.body_optional:
        return parse(route.body, {})
    return parse(route.body, bodies.read_json(request.body))


def _text(route: Route, request: HttpRequest) -> str:
    return bodies.read_text(request.body) if route.takes_text else ""


def parse(model: type[M], data: Mapping[str, Any]) -> M:
    """A strict model from clean JSON data. Raises Invalid naming each wrong field."""
    try:
        # As JSON text, since strict models take instants and decimals from JSON but not from Python's text.
        return model.model_validate_json(json.dumps(data))
    except ValidationError as e:
        raise invalid(e) from e


def invalid(error: ValidationError) -> Invalid:
    """Pydantic's findings in our terms, without the values that were sent."""
    fields = tuple(
        FieldError(_shown(".".join(str(part) for part in found["loc"])), found["type"], found["msg"])
        for found in error.errors(include_input=False, include_url=False, include_context=False)
    )
    names = ", ".join(f.field for f in fields[:3])
    return Invalid(f"wrong: {names}" if names else "the request is wrong as a whole", fields=fields)


def _shown(name: str) -> str:
    return "?" if has_forbidden_characters(name) else name[:200]


def _header_text(value: str | None) -> str | None:
    if value is None or has_forbidden_characters(value):
        return None
    return value[:512]


def _listing(route: Route, path: Mapping[str, str], query: BaseModel | None) -> str:
    filters = query.model_dump(mode="json", exclude={"after", "limit", "page"}) if query is not None else {}
    return json.dumps([route.operation_id, dict(path), filters], sort_keys=True)


def _fingerprint(route: Route, request: HttpRequest, call: Call) -> str:
    said = call.text if route.takes_text else call.body.model_dump_json() if call.body is not None else ""
    query = call.query.model_dump_json() if call.query is not None else ""
    return digest(route.operation_id, json.dumps(dict(call.path), sort_keys=True), query, said, size=32)


def _answer(route: Route, model: BaseModel | None) -> HttpResponse:
    if model is None:
        return HttpResponse(204)
    headers = {"Content-Type": "application/json"}
    version = getattr(model, "version", None)
    if route.etag and version is not None:
        headers["ETag"] = etag(version)
    return HttpResponse(route.status, model.model_dump_json(), headers)


Views = Mapping[str, Callable[..., BaseModel | None]]
"""Views by operation id."""
