"""A line of the route table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from meghdoot.areas.access.model import Scope

PREFIXES = ("/api/v1/marketing", "/api/marketing")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. Blueprints, both OpenAPI files and the tests of tenants and roles are made of this."""

    operation_id: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    scope: Scope
    summary: str
    tag: str
    answer: type[BaseModel] | None = None
    """None answers 204."""
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    takes_text: bool = False
    """The body is text/csv."""
    etag: bool = False
    if_match: bool = False
    shown_once: tuple[str, ...] = ()
    """Secrets in the answer that a repeated request does not see again."""

    @property
    def params(self) -> tuple[str, ...]:
        """Names of the path's parameters."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))
