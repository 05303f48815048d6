"""A resource: views by operation id, and the Chalice blueprint that the route table makes of them under both prefixes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chalice import Blueprint, Response
from chalice.app import Request

from meghdoot.http.endpoint import Endpoint
from meghdoot.http.message import HttpRequest, HttpResponse
from meghdoot.http.routes import BY_OPERATION
from meghdoot.http.table import PREFIXES, Route

V = TypeVar("V", bound=Callable[..., Any])


class Resource:
    """Collects the views of one module."""

    def __init__(self) -> None:
        self.views: dict[str, Callable[..., Any]] = {}

    def view(self, function: V) -> V:
        """Decorator: the function's name is its operation id in the route table. Raises KeyError for an unknown one."""
        self.views[BY_OPERATION[function.__name__].operation_id] = function
        return function

    def blueprint(self, endpoint: Callable[[], Endpoint[Any]]) -> Blueprint:
        """A blueprint with every view's route under every prefix. `endpoint` is asked at each request."""
        blueprint = Blueprint(__name__)
        for operation_id, view in self.views.items():
            route = BY_OPERATION[operation_id]
            for prefix in PREFIXES:
                # Without content types Chalice leaves the media type to us: its own answer would be no problem+json.
                register = blueprint.route(
                    prefix + route.path, methods=[route.method], content_types=[], name=operation_id
                )
                register(_chalice_view(blueprint, route, view, endpoint))
        return blueprint


def _chalice_view(
    blueprint: Blueprint, route: Route, view: Callable[..., Any], endpoint: Callable[[], Endpoint[Any]]
) -> Callable[..., Response]:
    def serve(**_path: str) -> Response:
        return _to_chalice(endpoint().serve(route, view, _from_chalice(blueprint.current_request)))

    return serve


def _from_chalice(request: Request) -> HttpRequest:
    event = request.to_original_event()
    context = request.context
    identity = context.get("identity") or {}
    return HttpRequest(
        path_params=request.uri_params or {},
        query=event.get("multiValueQueryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=_raw_body(request, event),
        authorizer=context.get("authorizer") or {},
        request_id=str(context.get("requestId") or "unknown"),
        ip=identity.get("sourceIp"),
        user_agent=identity.get("userAgent"),
    )


def _raw_body(request: Request, event: dict[str, Any]) -> bytes:
    if event.get("isBase64Encoded"):
        return bytes(request.raw_body)
    # Text that is no UTF-8 arrives as lone surrogates: as bytes it is refused by the one that reads bodies.
    return (event.get("body") or "").encode("utf-8", "surrogatepass")


def _to_chalice(response: HttpResponse) -> Response:
    return Response(response.body, dict(response.headers), response.status)
