"""The REST API: Chalice routes from the route table; everything else happens in `meghdoot.http` and the services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice import Chalice

from api.resources import RESOURCES
from meghdoot.http.endpoint import Endpoint
from meghdoot.wiring import api as wiring


def build(endpoint: Callable[[], Endpoint[Any]]) -> Chalice:
    """The application over an endpoint: the deployed one, or one with memory adapters in tests."""
    app = Chalice(app_name="api", configure_logs=False)
    for resource in RESOURCES:
        app.register_blueprint(resource.blueprint(endpoint))
    return app


app = build(wiring.endpoint)


@wiring.logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one request of API Gateway (REST, proxy integration)."""
    with wiring.telemetry().segment(event["requestContext"].get("resourcePath", "unknown")):
        return dict(app(event, context))
