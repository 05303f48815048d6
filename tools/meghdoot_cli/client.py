"""A small client of our own REST API, over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class ApiError(RuntimeError):
    """The API refused; its problem document is in `problem`."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(
            f"{status} {problem.get('code', '')}: {problem.get('detail', problem)} {problem.get('errors', '')}"
        )
        self.status = status
        self.problem = problem


@dataclass(frozen=True)
class Api:
    """Calls below `base`, such as http://127.0.0.1:8000/api/v1/marketing, with an API key."""

    base: str
    key: str

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The parsed answer. Raises ApiError for 4xx and 5xx."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.key}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                raw = answer.read()
        except urllib.error.HTTPError as e:
            raw = e.read()
            raise ApiError(e.code, _problem(raw)) from e
        return json.loads(raw) if raw else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, {} if body is None else body)

    def put(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        return self.call("PUT", path, body, headers)


def _problem(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {"detail": raw.decode("utf-8", "replace")[:200]}
    return found if isinstance(found, dict) else {"detail": str(found)}
