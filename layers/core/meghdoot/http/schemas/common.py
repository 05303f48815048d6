"""Bases and types that all resources share. Bodies are strict: unknown fields and wrong types are refused by name."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, StringConstraints

from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.i18n import zone_exists
from meghdoot.kernel.money import Money
from meghdoot.kernel.paging import MAX_LIMIT


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(BaseModel):
    """Parameters behind the `?`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ListQuery(Query):
    """A page by cursor."""

    limit: int = Field(default=100, ge=1, le=MAX_LIMIT, description="Items on a page.")
    after: str | None = Field(default=None, min_length=1, description="The `after` of the page before.")


class PagedQuery(ListQuery):
    """A page by cursor, or by number for short lists."""

    page: int | None = Field(
        default=None, ge=1, le=1000, description="Number of the page from 1; not together with `after`. `page * limit` is at most 10,000."
    )  # fmt: skip


LEFT_OUT: Any = None
"""The default of a field that may be left out but not be null; `given` tells the one from the other."""


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs an offset, such as Z or +06:00")
    if not 1970 <= at.year <= 9998:
        raise ValueError("the year must be between 1970 and 9998")
    return at


def _zone(name: str) -> str:
    if not zone_exists(name):
        raise ValueError("is not an IANA time zone, such as Asia/Dhaka")
    return name


Instant = Annotated[datetime, AfterValidator(_aware), PlainSerializer(iso, return_type=str, when_used="json")]
"""RFC 3339 with an offset; answers are in UTC with milliseconds."""
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone), Field(examples=["Asia/Dhaka"])]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(examples=["BDT"])]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"\S")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\r\n]*\S[^\r\n]*$")]
"""One line: it becomes a header of a mail."""
Text = Annotated[str, StringConstraints(max_length=4000)]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^#\s]+$")]
"""An id of something."""
Plain = dict[str, JsonValue]
"""A JSON object whose fields the tenant chooses."""
Amount = Annotated[Decimal, Field(max_digits=15, allow_inf_nan=False), PlainSerializer(float, return_type=float, when_used="json")]  # fmt: skip
"""Money as people write it, in the currency beside it."""
Email = Annotated[str, StringConstraints(min_length=3, max_length=320, pattern=r"^[^\s@#]+@[^\s@#]+$"), Field(examples=["rahima@example.com"])]  # fmt: skip


def amount(money: Money | None) -> Decimal | None:
    """Money as a decimal for an answer."""
    return None if money is None else money.decimal()


def money(field: str, value: Decimal, currency: str) -> Money:
    """Money from a decimal of a body. Raises Invalid naming the field: too many decimals, or out of range."""
    try:
        return Money.of(value, currency)
    except ValueError as e:
        raise Invalid.field(field, "bad_amount", str(e)) from e


def given(body: BaseModel) -> dict[str, Any]:
    """Only the fields that the client sent, as Python values."""
    return {name: getattr(body, name) for name in body.model_fields_set}
