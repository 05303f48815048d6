"""Generated requests over the whole OpenAPI file: never a server error, never an answer that the file does not describe.

EXAMPLES sets how many requests each operation gets: a few in every run of the suite, a hundred and more in the long one.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from meghdoot.http.routes import ROUTES
from meghdoot.http.table import Route
from meghdoot_cli import openapi
from tests.api.client import V1, Client, Reply, match
from tests.api.conftest import open_house
from tests.api.test_tenants_apart import populate

EXAMPLES = int(os.environ.get("EXAMPLES", "5"))
CHECKS: list[Any] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
SCHEMA = schemathesis.openapi.from_path(openapi.ROOT / "docs/reference/openapi.json")


@pytest.fixture(scope="module")
def house() -> tuple[Client, dict[str, str]]:
    client = open_house(Client())
    return client, populate(client)


def sent(client: Client, case: Any) -> tuple[requests.PreparedRequest, Reply]:
    """The request as a client would put it on the wire, through the application."""
    kwargs = case.as_transport_kwargs(base_url=f"http://api.test{V1}")
    kwargs.pop("timeout", None)
    prepared = requests.Request(**{k: v for k, v in kwargs.items() if k in WIRE}).prepare()
    url = urlsplit(str(prepared.url))
    body = prepared.body.decode("utf-8", "surrogateescape") if isinstance(prepared.body, bytes) else prepared.body
    headers = {k: v.decode("latin-1") if isinstance(v, bytes) else v for k, v in prepared.headers.items()}
    query = parse_qs(url.query, keep_blank_values=True)
    return prepared, client.raw(str(prepared.method), url.path, body, query, headers)


WIRE = {"method", "url", "headers", "files", "data", "json", "params", "auth", "cookies"}


def reaches(case: Any, route: Route) -> bool:
    """Whether the gateway would hand the request to this route: an empty or dotted parameter makes another path."""
    try:
        template, _ = match(V1 + urlsplit(case.formatted_path).path)
    except LookupError:
        return False
    return template == V1 + route.path


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r.operation_id)
def test_no_request_breaks_the_server_or_the_description(route: Route, house: tuple[Client, dict[str, str]]) -> None:
    client, ids = house
    operation = SCHEMA[route.path][route.method]
    own = {name: ids[name] for name in route.params}

    @given(case=operation.as_strategy(GenerationMode.POSITIVE), is_known=st.booleans())
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def fuzz(case: Any, is_known: bool) -> None:
        if own and is_known:
            case.path_parameters = dict(own)
        if not reaches(case, route):
            return
        prepared, reply = sent(client, case)
        headers = {name.lower(): [value] for name, value in reply.headers.items()}
        answer = Response(reply.status, headers, reply.text.encode(), prepared, 0.0, False)
        case.validate_response(answer, checks=CHECKS)

    fuzz()
