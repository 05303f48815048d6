"""The route table against the application, the roles, and the committed OpenAPI files."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from api.resources import RESOURCES

from meghdoot.areas.access.model import ROLES, Role
from meghdoot.areas.access.rules import ROLE_SCOPES
from meghdoot.http.problem import Problem
from meghdoot.http.routes import ROUTES
from meghdoot.http.table import PREFIXES, Route
from meghdoot_cli import openapi
from tests.api.client import Client

READS = {
    "get_tenant", "list_senders", "list_customers", "get_customer", "list_customer_events", "list_attributes",
    "list_consent", "get_gate", "get_suppression", "list_unsubscribes", "list_segments", "preview_segment",
    "get_segment", "list_segment_customers", "list_templates", "get_template", "preview_template", "check_template",
    "list_campaigns", "get_campaign", "get_campaign_analytics", "list_email_campaigns", "get_email_campaign",
    "check_email_campaign", "get_email_performance", "get_run", "get_run_message", "get_sending", "get_message",
    "get_reputation",
}  # fmt: skip
WRITES = {
    "upsert_customer", "upsert_customers", "delete_customer", "add_event", "add_events", "define_attribute",
    "import_customers", "record_consent", "record_consents", "add_suppression", "lift_suppression", "unsubscribe",
    "create_segment", "update_segment", "delete_segment", "refresh_segment", "create_template", "update_template",
    "delete_template", "create_campaign", "update_campaign", "delete_campaign", "create_email_campaign",
    "update_email_campaign", "delete_email_campaign", "send_test_email",
}  # fmt: skip
DECISIONS = {
    "approve_campaign", "launch_campaign", "pause_campaign", "resume_campaign", "cancel_campaign",
    "approve_email_campaign", "schedule_email_campaign", "launch_email_campaign", "pause_email_campaign",
    "resume_email_campaign", "cancel_email_campaign", "stop_sending", "resume_sending", "send_message",
}  # fmt: skip
ADMINISTRATION = {
    "put_tenant", "create_sender", "put_sender", "verify_sender", "delete_sender", "create_api_key", "list_api_keys",
    "rotate_api_key", "revoke_api_key", "list_audit",
}  # fmt: skip
MATRIX: dict[Role, set[str]] = {
    "viewer": READS,
    "editor": READS | WRITES,
    "approver": READS | DECISIONS,
    "admin": READS | WRITES | DECISIONS | ADMINISTRATION,
}


def test_every_route_has_a_view_and_every_view_a_route() -> None:
    views = [name for resource in RESOURCES for name in resource.views]
    assert sorted(views) == sorted(route.operation_id for route in ROUTES)
    assert len({(r.method, r.path) for r in ROUTES}) == len(ROUTES)


def test_020_the_matrix_names_every_route() -> None:
    assert {r.operation_id for r in ROUTES} == MATRIX["admin"]
    assert set(get_args(Role)) == set(ROLES) == set(MATRIX)


@pytest.mark.parametrize("role", ROLES)
def test_020_each_role_may_do_exactly_what_the_matrix_says(client: Client, role: Role) -> None:
    who = client.as_(role=role)
    forbidden = set()
    for route in ROUTES:
        path = route.path.replace("{", "none-").replace("}", "")
        reply = who.call(route.method, path, {} if route.body else None)
        if reply.status == 403:
            assert reply.code == "scope_missing", (route.operation_id, reply.text)
            forbidden.add(route.operation_id)
    assert forbidden == MATRIX["admin"] - MATRIX[role]


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r.operation_id)
def test_020_a_key_whose_scopes_lack_one_is_refused_there(client: Client, route: Route) -> None:
    narrowed = client.as_(scopes=frozenset(ROLE_SCOPES["admin"]) - {route.scope})
    reply = narrowed.call(route.method, route.path.replace("{", "x").replace("}", ""), {} if route.body else None)
    assert (reply.status, reply.code) == (403, "scope_missing")


def test_the_committed_openapi_files_are_what_the_route_table_says() -> None:
    assert openapi.drifted() == []


def test_a_drifted_file_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(openapi, "reference_document", dict)
    assert openapi.main(["--check"]) == 1
    assert "docs/reference/openapi.json" in capsys.readouterr().out


def test_the_gateway_serves_every_route_under_both_prefixes_behind_the_authorizer() -> None:
    document = json.loads((openapi.ROOT / "infra/openapi.json").read_text())
    served = {(method.upper(), path) for path, ops in document["paths"].items() for method in ops}
    assert served == {(r.method, prefix + r.path) for r in ROUTES for prefix in PREFIXES}
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["security"] == [{"ApiKey": []}]
            assert operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].endswith(
                "${ApiFunction.Arn}:live/invocations"
            )


def test_what_the_gateway_refuses_is_a_problem_too() -> None:
    responses = json.loads((openapi.ROOT / "infra/openapi.json").read_text())["x-amazon-apigateway-gateway-responses"]
    for response in responses.values():
        body = Problem.model_validate_json(response["responseTemplates"]["application/json"])
        assert str(body.status) == response["statusCode"]
    assert "gatewayresponse.header.Retry-After" in responses["THROTTLED"]["responseParameters"]


def test_the_public_api_speaks_to_its_handlers_as_the_main_api_does() -> None:
    document = json.loads((openapi.ROOT / "infra/openapi-public.json").read_text())
    assert set(document) == {"openapi", "info", "paths"}, "an HTTP API knows nothing else"
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "1.0"


def test_sibling_parameters_have_one_name() -> None:
    # API Gateway refuses two names for a parameter at the same place of a path.
    names: dict[str, str] = {}
    for route in ROUTES:
        parts = route.path.split("/")
        for n, part in enumerate(parts):
            if part.startswith("{"):
                assert names.setdefault("/".join(parts[:n]), part) == part
