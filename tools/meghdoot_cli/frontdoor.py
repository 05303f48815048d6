"""The front door of the local stack: serves what the committed OpenAPI files describe, by API Gateway's own events."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from meghdoot_cli.runtime import InvocationFailedError

Invoke = Callable[[str, Any], Any]
Local = Callable[[str, str, dict[str, list[str]], bytes], "Answer | None"]


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Route:
    """One operation of a gateway: which function answers a method and a path."""

    method: str
    path: str
    pattern: re.Pattern[str]
    function: str
    authorized: bool


def routes(path: Path) -> list[Route]:
    """All operations of an OpenAPI file with its gateway integrations; literal paths come before parameters."""
    document = json.loads(path.read_text())
    found = []
    for url, operations in document["paths"].items():
        for method, operation in operations.items():
            integration = operation.get("x-amazon-apigateway-integration") if isinstance(operation, dict) else None
            if integration is None or integration.get("type", "aws_proxy").lower() not in ("aws_proxy", "aws"):
                continue
            function = re.search(r"\$\{(\w+?)\.", json.dumps(integration["uri"]))
            if function:
                secured = operation.get("security", document.get("security"))
                found.append(Route(method.upper(), url, _pattern(url), function.group(1), bool(secured)))
    return sorted(found, key=lambda r: (r.path.count("{"), -len(r.path)))


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", path)
    text = "".join(f"(?P<{p[1:-1].rstrip('+')}>[^/]+)" if p.startswith("{") else re.escape(p) for p in parts)
    return re.compile(text + "$")


class FrontDoor:
    """Listens on 127.0.0.1; `local` answers what no gateway has, such as the inbox."""

    def __init__(self, files: list[Path], invoke: Invoke, local: Local, port: int = 0) -> None:
        self._routes = [r for f in files for r in routes(f)]
        self._invoke = invoke
        self._local = local
        self._allowed: dict[str, tuple[float, dict[str, Any] | None]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """One request, from the route table to the function and back."""
        url = urlsplit(target)
        query = parse_qs(url.query, keep_blank_values=True)
        local = self._local(method, url.path, query, body)
        if local is not None:
            return local
        for route in self._routes:
            match = route.pattern.match(url.path)
            if match and route.method == method:
                return self._through_gateway(route, match, method, url.path, query, headers, body)
        return _problem(403, "Missing Authentication Token")

    def _through_gateway(
        self, route: Route, match: re.Match[str], method: str, path: str, query: dict[str, list[str]],
        headers: dict[str, str], body: bytes,
    ) -> Answer:  # fmt: skip
        event = _event(route, match, method, path, query, headers, body)
        if route.authorized:
            context = self._authorize(event, headers)
            if context is None:
                return _problem(401, "Unauthorized")
            event["requestContext"]["authorizer"] = context
        answer = self._invoke(route.function, event)
        raw = answer.get("body") or ""
        payload = base64.b64decode(raw) if answer.get("isBase64Encoded") else raw.encode()
        out = [(k, str(v)) for k, v in (answer.get("headers") or {}).items()]
        out += [(k, str(v)) for k, vs in (answer.get("multiValueHeaders") or {}).items() for v in vs]
        kind = next((v for k, v in out if k.lower() == "content-type"), "application/json")
        rest = tuple((k, v) for k, v in out if k.lower() not in ("content-type", "content-length"))
        return Answer(int(answer["statusCode"]), payload, kind, rest)

    def _authorize(self, event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any] | None:
        """Ask the authorizer, and remember its word for as long as the gateway would."""
        key = headers.get("authorization") or headers.get("x-api-key") or ""
        if not key:
            return None
        known = self._allowed.get(key)
        if known and known[0] > time.monotonic():
            return known[1]
        request = {
            **event,
            "type": "REQUEST",
            "methodArn": "arn:aws:execute-api:us-east-1:000000000000:local/live/GET/x",
        }
        try:
            answer = self._invoke("AuthorizerFunction", request)
        except InvocationFailedError:
            return None
        allowed = any(s["Effect"] == "Allow" for s in answer["policyDocument"]["Statement"])
        context = {**answer.get("context", {}), "principalId": answer["principalId"]} if allowed else None
        self._allowed[key] = (time.monotonic() + 5, context)
        return context

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {k.lower(): v for k, v in self.headers.items()}
                try:
                    answer = door.answer(self.command, self.path, headers, body)
                except InvocationFailedError:
                    answer = _problem(502, "Internal server error")
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = _serve

            def log_message(self, *_args: Any) -> None:
                """Quiet: the functions log for themselves."""

        return Request


def _event(
    route: Route, match: re.Match[str], method: str, path: str, query: dict[str, list[str]], headers: dict[str, str],
    body: bytes,
) -> dict[str, Any]:  # fmt: skip
    """A REST API proxy event (payload version 1.0)."""
    try:
        text, encoded = body.decode(), False
    except UnicodeDecodeError:
        text, encoded = base64.b64encode(body).decode(), True
    return {
        "resource": route.path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {k: [v] for k, v in headers.items()},
        "queryStringParameters": {k: v[-1] for k, v in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {k: unquote(v) for k, v in match.groupdict().items()} or None,
        "stageVariables": None,
        "body": text if body else None,
        "isBase64Encoded": encoded,
        "requestContext": {
            "resourcePath": route.path,
            "httpMethod": method,
            "path": path,
            "stage": "live",
            "requestId": f"local-{time.monotonic_ns()}",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": headers.get("user-agent", "")},
        },
    }


def _problem(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"message": message}).encode())
