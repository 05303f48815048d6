"""The gateway's side: paths and integrations in OpenAPI 3.0.1, and problem details for what the gateway itself refuses."""

from __future__ import annotations

import json
from typing import Any

from meghdoot.http.problem import MEDIA_TYPE, TYPE_BASE
from meghdoot.http.routes import ROUTES
from meghdoot.http.table import PREFIXES, Route

_INVOKE = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/%s/invocations"

# What the gateway answers without asking anybody: type of its response, status, our code, sentence.
_REFUSALS = (
    ("ACCESS_DENIED", 403, "forbidden", "this key may not do this"),
    ("AUTHORIZER_CONFIGURATION_ERROR", 500, "internal_error", "something broke on our side"),
    ("AUTHORIZER_FAILURE", 500, "internal_error", "something broke on our side"),
    ("INTEGRATION_FAILURE", 502, "internal_error", "something broke on our side"),
    ("INTEGRATION_TIMEOUT", 504, "timeout", "the answer took too long; it may have been done"),
    ("MISSING_AUTHENTICATION_TOKEN", 404, "no_such_route", "there is no such route"),
    ("REQUEST_TOO_LARGE", 413, "body_too_large", "the body is too large"),
    ("RESOURCE_NOT_FOUND", 404, "no_such_route", "there is no such route"),
    ("THROTTLED", 429, "too_many_requests", "too many requests; come back in a second"),
    ("UNAUTHORIZED", 401, "unauthenticated", "no valid API key"),
    ("UNSUPPORTED_MEDIA_TYPE", 415, "unsupported_media_type", "this media type is not taken"),
    ("WAF_FILTERED", 403, "forbidden", "the request was filtered"),
)

_PUBLIC = (
    # path, methods, function
    ("/u/{token}", ("get", "head", "post"), "PublicFunction"),
    ("/c/{token}/{n}", ("get", "head"), "PublicFunction"),
    ("/o/{file}", ("get", "head"), "PublicFunction"),
    ("/webhooks/sns/{account}", ("post",), "WebhooksFunction"),
)


def gateway_document() -> dict[str, Any]:
    """The REST API: every route under every prefix, behind the authorizer."""
    paths: dict[str, dict[str, Any]] = {}
    for prefix in PREFIXES:
        for route in ROUTES:
            operation = _operation(route, prefix)
            paths.setdefault(prefix + route.path, {})[route.method.lower()] = operation
    return _document("Meghdoot", paths) | {
        "components": {"securitySchemes": {"ApiKey": _authorizer()}},
    }


def public_document() -> dict[str, Any]:
    """What recipients and providers reach: links, pixels, unsubscribe pages, notifications. Without any authorizer.

    An HTTP API: it hands bytes on as they are, and knows neither models nor answers of its own for refusals.
    """
    paths = {
        path: {
            method: {
                "parameters": _parameters([part[1:-1] for part in path.split("/") if part.startswith("{")]),
                "responses": {"default": {"description": "See the function."}},
                # The events of a REST API, which is what the handlers and the local stack speak.
                "x-amazon-apigateway-integration": _integration(function) | {"payloadFormatVersion": "1.0"},
            }
            for method in methods
        }
        for path, methods, function in _PUBLIC
    }
    # The title becomes the name of the API, and names are unique by stage.
    return {
        "openapi": "3.0.1",
        "info": {"title": {"Fn::Sub": "meghdoot-${Stage}-public"}, "version": "1"},
        "paths": paths,
    }


def public_route_keys() -> list[str]:
    """The routes of the public API as the gateway names them, such as `POST /u/{token}`."""
    return [f"{method.upper()} {path}" for path, methods, _ in _PUBLIC for method in methods]


def _document(title: str, paths: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": "1"},
        "paths": paths,
        "x-amazon-apigateway-gateway-responses": {kind: _refusal(*rest) for kind, *rest in _REFUSALS},
    }


def _operation(route: Route, prefix: str) -> dict[str, Any]:
    # Operation ids are unique in a document: the second prefix has its own.
    suffix = "" if prefix == PREFIXES[0] else "_unversioned"
    return {
        "operationId": route.operation_id + suffix,
        "parameters": _parameters(list(route.params)),
        "responses": {str(route.status): {"description": route.summary}},
        "security": [{"ApiKey": []}],
        "x-amazon-apigateway-integration": _integration("ApiFunction"),
    }


def _parameters(names: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _integration(function: str) -> dict[str, Any]:
    return {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "passthroughBehavior": "when_no_match",
        "uri": {"Fn::Sub": _INVOKE % f"${{{function}.Arn}}:live"},
    }


def _authorizer() -> dict[str, Any]:
    """Without cache and identity source: either header will do, and a revoked key fails with the next request."""
    return {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {
            "type": "request",
            "authorizerUri": {"Fn::Sub": _INVOKE % "${AuthorizerFunction.Arn}:live"},
            "authorizerResultTtlInSeconds": 0,
        },
    }


def _refusal(status: int, code: str, detail: str) -> dict[str, Any]:
    body = {
        "type": TYPE_BASE + code.replace("_", "-"),
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        "instance": "urn:request:$context.requestId",
        "code": code,
        "errors": [],
        "request_id": "$context.requestId",
    }
    headers = {"gatewayresponse.header.Content-Type": f"'{MEDIA_TYPE}'"}
    if status == 429:
        headers["gatewayresponse.header.Retry-After"] = "'1'"
    return {
        "statusCode": str(status),
        "responseParameters": headers,
        "responseTemplates": {"application/json": json.dumps(body)},
    }
