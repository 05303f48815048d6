"""The clients' side: OpenAPI 3.1 with pydantic's schemas."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from meghdoot.http.problem import MEDIA_TYPE, Problem
from meghdoot.http.routes import ROUTES
from meghdoot.http.table import PREFIXES, Route

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "No valid API key.",
    "403": "The key may not do this.",
    "404": "There is no such thing in this tenant.",
    "409": "The thing is not in a state that allows this.",
    "412": "Somebody changed it since it was read.",
    "413": "The body is larger than 256 KB.",
    "415": "The body is of another media type.",
    "422": "Readable, but wrong; the fields are named.",
    "429": "Too many requests.",
    "503": "A service that this depends on does not answer.",
}

Key = tuple[type[BaseModel], JsonSchemaMode]


def reference_document() -> dict[str, Any]:
    """The whole description."""
    refs, definitions = models_json_schema(_models(), ref_template=_REF)
    problem = refs[(Problem, "serialization")]
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Meghdoot",
            "version": "1",
            "description": "Marketing automation in your own AWS account. Both servers hold the same operations.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": prefix} for prefix in PREFIXES],
        "security": [{"Bearer": []}, {"ApiKey": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in ROUTES)],
        "paths": paths,
        "components": {
            "schemas": _without_null_defaults(definitions["$defs"]),
            "responses": {
                f"Problem{status}": {"description": text, "content": {MEDIA_TYPE: {"schema": problem}}}
                for status, text in _PROBLEMS.items()
            },
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "mdk.<tenant>.<id>.<secret>"},
                "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _without_null_defaults(schema: Any) -> Any:
    """A field that may be left out but not be null has no default that a client could send."""
    if isinstance(schema, list):
        return [_without_null_defaults(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_null_defaults(value) for name, value in schema.items() if name != "default" or value is not None
    }


def _models() -> list[Key]:
    keys: dict[Key, None] = {(Problem, "serialization"): None}
    for route in ROUTES:
        if route.body is not None:
            keys[(route.body, "validation")] = None
        if route.answer is not None:
            keys[(route.answer, "serialization")] = None
    return list(keys)


def _operation(route: Route, refs: dict[Key, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": f"Needs the scope `{route.scope}`.",
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route, refs),
    }
    if route.body is not None:
        schema = refs[(route.body, "validation")]
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": {"schema": schema}},
        }
    if route.takes_text:
        text = {"type": "string", "examples": ["email,first_name\nrahima@example.com,Rahima\n"]}
        operation["requestBody"] = {"required": True, "content": {"text/csv": {"schema": text}}}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1, "maxLength": 512}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in route.params]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema()
    definitions = schema.get("$defs", {})
    required = schema.get("required", [])
    return [
        _parameter(name, _plain(property_, definitions), name in required)
        for name, property_ in schema.get("properties", {}).items()
    ]


def _parameter(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": required, "schema": schema}
    if "description" in schema:
        parameter["description"] = schema["description"]
    return parameter


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A parameter cannot be null: of `X or null` it is X."""
    if "$ref" in schema:
        return dict(definitions[schema["$ref"].rpartition("/")[2]])
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default", "title")}
    return _plain(choices[0], definitions) | rest


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    if route.method == "POST":
        found.append(
            _header(
                "Idempotency-Key",
                "The same key and request within 24 hours get the same answer; the work is done once.",
                {"type": "string", "pattern": "^[!-~]{1,128}$"},
            )
        )
    if route.if_match:
        found.append(
            _header(
                "If-Match", "The ETag that was read; another version is 412.", {"type": "string", "examples": ['"3"']}
            )
        )
    return found


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _responses(route: Route, refs: dict[Key, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": route.summary}
    if route.answer is not None:
        success["content"] = {"application/json": {"schema": refs[(route.answer, "serialization")]}}
    if route.etag:
        success["headers"] = {"ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}}}
    refused = {status: {"$ref": f"#/components/responses/Problem{status}"} for status in _PROBLEMS}
    return {str(route.status): success, **refused}
