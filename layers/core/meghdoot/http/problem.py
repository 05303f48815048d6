"""Errors as RFC 9457 problem details, with a stable `code`, the wrong fields, a hint and the request's id."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field

from meghdoot.http.message import HttpResponse
from meghdoot.kernel.errors import AppError

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "https://meghdoot.dev/problems/"
_MAX_FIELDS = 50


class ProblemField(BaseModel):
    """One wrong field."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="JSON path of the field, such as `criteria.conditions.0.value`.")
    code: str = Field(description="A stable code for programs.")
    message: str = Field(description="A sentence for people.")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="A URI that names the kind of problem.")
    title: str = Field(description="The HTTP status in words.")
    status: int
    detail: str = Field(description="A sentence for people.")
    instance: str = Field(description="This very occurrence: `urn:request:<request id>`.")
    code: str = Field(description="A stable code for programs.")
    errors: list[ProblemField] = Field(default_factory=list, description="The wrong fields, at most 50.")
    hint: str | None = Field(default=None, description="What to do about it.")
    request_id: str = Field(description="Quote it when you ask for help.")


def problem(error: AppError, request_id: str) -> HttpResponse:
    """The answer for one of our own errors; `Retry-After` when it can be repeated."""
    body = Problem(
        type=TYPE_BASE + error.code.replace("_", "-"),
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        instance=f"urn:request:{request_id}",
        code=error.code,
        errors=[ProblemField(field=f.field, code=f.code, message=f.message) for f in error.fields[:_MAX_FIELDS]],
        hint=error.hint,
        request_id=request_id,
    )
    headers = {"Content-Type": MEDIA_TYPE}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return HttpResponse(error.status, body.model_dump_json(exclude_none=True), headers)


def internal(request_id: str) -> HttpResponse:
    """The answer for everything unexpected: it shows nothing of the inside."""
    error = AppError("Something broke on our side. Nothing more is shown here; the request id finds it in the log.")
    return problem(error, request_id)
