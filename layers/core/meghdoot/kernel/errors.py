"""Every error that a caller can meet, as one tree.

    AppError                        a stable code, a sentence, and what to do
    ├── Malformed           400     the request cannot be read at all
    ├── Unauthenticated     401     no key, or one that does not open anything
    ├── Forbidden           403     the key is good, its role is not enough
    ├── NotFound            404     there is no such thing (in this tenant)
    ├── Conflict            409     the thing is not in a state that allows this
    ├── Stale               412     somebody changed it since you read it
    ├── TooLarge            413     more bytes than are taken
    ├── UnsupportedMedia    415     a body of another kind than this route takes
    ├── Invalid             422     readable, but wrong: names the fields
    ├── Throttled           429     come back after `retry_after` seconds
    └── Unavailable         503     a service that we need does not answer

Adapters translate at the border: above them nobody sees an exception of an SDK.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: a JSON path such as `criteria.conditions.0.value`, a stable code and a sentence."""

    field: str
    code: str
    message: str


class AppError(Exception):
    """The root: `status` for HTTP, `code` stable for programs, `detail` for people, `hint` what to do."""

    status = 500
    default_code = "internal_error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        fields: tuple[FieldError, ...] = (),
        hint: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.fields = fields
        self.hint = hint
        self.retry_after = retry_after


class Malformed(AppError):
    """The request cannot be read: not JSON, a forged cursor, a header that makes no sense."""

    status = 400
    default_code = "malformed_request"


class Unauthenticated(AppError):
    """No key, an unknown key, an expired or revoked one. The answer never says which."""

    status = 401
    default_code = "unauthenticated"


class Forbidden(AppError):
    """The caller is known and may not do this."""

    status = 403
    default_code = "forbidden"


class NotFound(AppError):
    """No such thing in this tenant; another tenant's id looks exactly the same."""

    status = 404
    default_code = "not_found"


class Conflict(AppError):
    """The thing exists but is not in a state that allows the request."""

    status = 409
    default_code = "conflict"


class Stale(AppError):
    """The version that the caller read is no longer the current one."""

    status = 412
    default_code = "stale_version"


class TooLarge(AppError):
    """The body is larger than the limit; large imports go by presigned upload."""

    status = 413
    default_code = "body_too_large"


class UnsupportedMedia(AppError):
    """The body's Content-Type is not one that the route takes."""

    status = 415
    default_code = "unsupported_media_type"


class Invalid(AppError):
    """The request is readable and wrong; `fields` names each wrong field."""

    status = 422
    default_code = "invalid_request"

    @classmethod
    def field(cls, field: str, code: str, message: str) -> Invalid:
        """One wrong field, the common case."""
        return cls(f"{field}: {message}", fields=(FieldError(field, code, message),))


class Throttled(AppError):
    """Too many requests; `retry_after` is in seconds."""

    status = 429
    default_code = "too_many_requests"


class Unavailable(AppError):
    """A service that we depend on does not answer; nothing was changed, try again."""

    status = 503
    default_code = "unavailable"
