"""Everything that happens around a view, with a view that does next to nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import Field

from meghdoot.adapters.memory.idempotency import MemoryIdempotency
from meghdoot.http.endpoint import Call, Endpoint
from meghdoot.http.idempotency import Idempotency
from meghdoot.http.message import HttpRequest, HttpResponse
from meghdoot.http.schemas.common import Amount, Answer, Body, Instant, ListQuery
from meghdoot.http.table import Route
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import NotFound, Throttled
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring


class ThingBody(Body):
    name: str
    count: int = Field(default=1, ge=0)
    share: float = 0.0
    budget: Amount | None = None
    at: Instant | None = None


class ThingAnswer(Answer):
    id: str
    name: str
    secret: str | None = None
    version: int = 1


CREATE = Route(
    "create_thing", "POST", "/things", "segments:write", "Create", "things", ThingAnswer, 201, body=ThingBody, etag=True
)
LIST = Route("list_things", "GET", "/things", "segments:read", "List", "things", ThingAnswer, query=ListQuery)
CHANGE = Route(
    "change_thing", "PUT", "/things/{thing_id}", "segments:write", "Change", "things", ThingAnswer, body=ThingBody,
    if_match=True,
)  # fmt: skip


@dataclass
class Shelf:
    """The service of these tests."""

    names: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    raises: Exception | None = None


def view(shelf: Shelf, call: Call) -> ThingAnswer:
    shelf.calls.append(call)
    if shelf.raises is not None:
        raise shelf.raises
    if call.body is not None:
        shelf.names.append(call.body.name)
    return ThingAnswer(id=f"id{len(shelf.names)}", name=call.body.name if call.body else "-", secret="s3cret")


class World:
    def __init__(self) -> None:
        self.clock = ManualClock(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
        self.shelf = Shelf()
        self.lines: list[tuple[str, Mapping[str, Any], BaseException | None]] = []
        store = MemoryIdempotency()
        self.endpoint = Endpoint(
            self.shelf,
            Idempotency(store, self.clock, SystemIds(self.clock)),
            Keyring({"k1": b"1" * 32}, "k1"),
            self.clock,
            lambda message, fields, error=None: self.lines.append((message, fields, error)),
        )

    def send(
        self, body: Any = None, *, route: Route = CREATE, tenant: str = "acme", scopes: str = "segments:write segments:read",
        query: Mapping[str, list[str]] | None = None, path: Mapping[str, str] | None = None, **headers: str,
    ) -> HttpResponse:  # fmt: skip
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        context = {"tenant": tenant, "actor": "key1", "role": "editor", "scopes": scopes} if tenant else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.endpoint.serve(route, view, HttpRequest(path or {}, query or {}, named, raw, context, "req-1"))


@pytest.fixture
def world() -> World:
    return World()


def code(response: HttpResponse) -> str:
    assert response.headers["Content-Type"] == "application/problem+json"
    return str(json.loads(response.body)["code"])


def wrong(response: HttpResponse) -> list[str]:
    assert response.status == 422, response.body
    return [e["field"] for e in json.loads(response.body)["errors"]]


def test_a_good_request_is_served_with_its_version_and_request_id(world: World) -> None:
    response = world.send({"name": "ঈদ", "budget": 12.5, "at": "2026-01-05T15:00:00+06:00"})
    assert response.status == 201
    assert json.loads(response.body)["name"] == "ঈদ"
    assert response.headers["ETag"] == '"1"'
    assert response.headers["X-Request-Id"] == "req-1"
    body = world.shelf.calls[0].body
    assert body.budget == Decimal("12.5")
    assert body.at == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def test_001_a_body_that_cannot_be_read_reaches_no_view(world: World) -> None:
    for raw in (b"", b"[]", b"{"):
        assert world.send(raw).status == 400
    assert world.shelf.calls == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"color": "red"}, "color"),
        ({"count": True}, "count"),
        ({"count": "1"}, "count"),
        ({"count": 1.5}, "count"),
        ({"count": -1}, "count"),
        ({"share": True}, "share"),
        ({"budget": True}, "budget"),
        ({"budget": []}, "budget"),
        ({"at": "2026-01-05T09:00:00"}, "at"),
        ({"at": "0001-01-01T00:00:00Z"}, "at"),
        ({"name": None}, "name"),
        ({"name": ["x"]}, "name"),
    ],
)
def test_002_unknown_fields_and_wrong_types_are_named_and_nothing_is_stored(
    world: World, change: dict[str, Any], field: str
) -> None:
    assert wrong(world.send({"name": "x"} | change)) == [field]
    assert world.shelf.names == []


@pytest.mark.parametrize(
    "name", ["tenant_id", "tenant", "status", "sent_count", "approved_by", "created_by", "version"]
)
def test_021_what_only_the_house_may_set_is_refused(world: World, name: str) -> None:
    assert wrong(world.send({"name": "x", name: "1"})) == [name]


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "", "1e3", "x", "1001"])
def test_010_a_limit_out_of_range_is_named(world: World, limit: str) -> None:
    assert wrong(world.send(route=LIST, query={"limit": [limit]})) == ["limit"]


def test_010_parameters_that_do_not_exist_or_come_twice_are_named(world: World) -> None:
    assert wrong(world.send(route=LIST, query={"q": ["x"]})) == ["q"]
    assert wrong(world.send({"name": "x"}, query={"q": ["x"]})) == ["q"]
    assert wrong(world.send(route=LIST, query={"limit": ["1", "2"]})) == ["limit"]
    assert wrong(world.send(route=LIST, query={"after": ["a\x00"]})) == ["after"]


def test_another_media_type_is_refused(world: World) -> None:
    response = world.send({"name": "x"}, content_type="text/plain")
    assert (response.status, code(response)) == (415, "unsupported_media_type")
    assert world.send({"name": "x"}, content_type="application/json; charset=utf-8").status == 201


def test_018_without_the_authorizers_context_nobody_is_anybody(world: World) -> None:
    response = world.send({"name": "x"}, tenant="", authorization="Bearer mdk.acme.k.s")
    assert (response.status, code(response)) == (401, "unauthenticated")


def test_020_a_scope_that_is_missing_is_forbidden(world: World) -> None:
    response = world.send({"name": "x"}, scopes="segments:read segments:writer")
    assert (response.status, code(response)) == (403, "scope_missing")


@pytest.mark.parametrize("bad", ["", "a#b", "a\x00", "x" * 600, "\ud800"])
def test_an_id_that_cannot_be_stored_is_not_found(world: World, bad: str) -> None:
    assert world.send({"name": "x"}, route=CHANGE, path={"thing_id": bad}).status == 404


def test_011_if_match_reaches_the_view_and_nonsense_does_not(world: World) -> None:
    world.send({"name": "x"}, route=CHANGE, path={"thing_id": "1"}, if_match='"4"')
    assert world.shelf.calls[0].expected_version == 4
    assert world.send({"name": "x"}, route=CHANGE, path={"thing_id": "1"}, if_match="4").status == 400


def test_errors_of_the_house_become_problems(world: World) -> None:
    world.shelf.raises = NotFound("there is no such thing", hint="look elsewhere")
    body = json.loads(world.send({"name": "x"}).body)
    assert body == {
        "type": "https://meghdoot.dev/problems/not-found", "title": "Not Found", "status": 404,
        "detail": "there is no such thing", "instance": "urn:request:req-1", "code": "not_found", "errors": [],
        "hint": "look elsewhere", "request_id": "req-1",
    }  # fmt: skip
    world.shelf.raises = Throttled("busy", retry_after=7)
    assert world.send({"name": "x"}).headers["Retry-After"] == "7"


def test_026_what_breaks_inside_stays_inside(world: World) -> None:
    world.shelf.raises = RuntimeError("table people at 10.0.0.7: rahima@example.com")
    response = world.send({"name": "x"})
    assert (response.status, code(response)) == (500, "internal_error")
    assert "rahima" not in response.body
    assert "10.0.0.7" not in response.body
    assert world.lines[-1][2] is world.shelf.raises


def test_every_request_is_one_line_of_ids_and_a_decision(world: World) -> None:
    world.send({"name": "x"})
    world.send({"name": 1})
    assert world.lines == [
        ("request served", {"route": "create_thing", "request_id": "req-1", "tenant": "acme", "actor": "key1", "status": 201}, None),
        ("request refused",
         {"route": "create_thing", "request_id": "req-1", "tenant": "acme", "actor": "key1", "status": 422, "code": "invalid_request"},
         None),
    ]  # fmt: skip


def test_006_the_same_request_under_a_key_is_done_once(world: World) -> None:
    first = world.send({"name": "x"}, idempotency_key="k1")
    again = world.send({"name": "x"}, idempotency_key="k1")
    assert (again.status, again.body, again.headers["ETag"]) == (first.status, first.body, first.headers["ETag"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert world.shelf.names == ["x"]


def test_006_another_request_under_a_key_is_refused(world: World) -> None:
    world.send({"name": "x"}, idempotency_key="k1")
    response = world.send({"name": "y"}, idempotency_key="k1")
    assert (response.status, code(response)) == (422, "idempotency_key_reused")
    assert world.shelf.names == ["x"]


def test_006_while_the_first_runs_the_second_waits(world: World) -> None:
    inner: list[HttpResponse] = []

    def slow(shelf: Shelf, call: Call) -> ThingAnswer:
        if not inner:
            inner.append(HttpResponse(0))
            inner[0] = world.send({"name": "x"}, idempotency_key="k1")
        return ThingAnswer(id="id1", name="x")

    request = HttpRequest(
        {}, {}, {"idempotency-key": "k1"}, b'{"name": "x"}',
        {"tenant": "acme", "actor": "a", "role": "editor", "scopes": "segments:write"}, "req-1",
    )  # fmt: skip
    assert world.endpoint.serve(CREATE, slow, request).status == 201
    assert (inner[0].status, code(inner[0])) == (409, "idempotency_in_progress")


def test_006_a_request_that_failed_may_be_tried_again_under_its_key(world: World) -> None:
    world.shelf.raises = Throttled("busy")
    assert world.send({"name": "x"}, idempotency_key="k1").status == 429
    world.shelf.raises = None
    assert world.send({"name": "x"}, idempotency_key="k1").status == 201


def test_007_a_key_is_remembered_for_a_day(world: World) -> None:
    world.send({"name": "x"}, idempotency_key="k1")
    world.clock.advance(hours=23, minutes=59)
    assert world.send({"name": "y"}, idempotency_key="k1").status == 422
    world.clock.advance(minutes=1)
    assert world.send({"name": "y"}, idempotency_key="k1").status == 201


def test_006_a_key_belongs_to_one_tenant(world: World) -> None:
    world.send({"name": "x"}, idempotency_key="k1")
    assert world.send({"name": "y"}, idempotency_key="k1", tenant="other").status == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 129])
def test_006_a_key_that_is_none_is_malformed(world: World, key: str) -> None:
    assert code(world.send({"name": "x"}, idempotency_key=key)) == "bad_idempotency_key"


def test_024_a_secret_is_shown_once_even_under_a_key(world: World) -> None:
    route = replace(CREATE, shown_once=("secret",))
    assert json.loads(world.send({"name": "x"}, route=route, idempotency_key="k1").body)["secret"] == "s3cret"
    assert json.loads(world.send({"name": "x"}, route=route, idempotency_key="k1").body)["secret"] is None
