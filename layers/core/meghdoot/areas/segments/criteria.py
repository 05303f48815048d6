"""The criteria tree as people write it: conditions and groups of conditions. Strict; what is wrong is named by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, ValidationError

from meghdoot.kernel.errors import FieldError, Invalid

MAX_DEPTH = 20
MAX_CONDITIONS = 500
MAX_DAYS = 36_500

Operator = Literal[
    "equals", "not_equals", "in", "not_in", "contains", "starts_with", "greater_than", "greater_or_equal", "less_than",
    "less_or_equal", "between", "exists", "not_exists", "within_days", "not_within_days", "before", "after",
]  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Condition(_Strict):
    """One test of one field. `within_days` bounds a purchase count, sum or average to the last so many days."""

    field: str = Field(min_length=1, max_length=120)
    operator: Operator
    value: JsonValue = None
    within_days: int | None = Field(default=None, ge=0, le=MAX_DAYS)


def _shape(node: Any) -> str:
    return "<group>" if isinstance(node, Group) or (isinstance(node, Mapping) and "conditions" in node) else "<leaf>"


Node = Annotated[Annotated["Group", Tag("<group>")] | Annotated[Condition, Tag("<leaf>")], Discriminator(_shape)]


class Group(_Strict):
    """Conditions of which all (AND) or at least one (OR) must hold. An empty group is refused: it would mean everybody."""

    conditions: list[Node] = Field(min_length=1)
    logic: Literal["AND", "OR"] = "AND"


Group.model_rebuild()


def parse(raw: object, path: str = "criteria") -> Group:
    """The tree of plain JSON data. Raises Invalid naming each wrong place, such as `criteria.conditions.0.operator`."""
    _hold_limits(raw, path)
    try:
        return Group.model_validate(raw)
    except ValidationError as e:
        fields = tuple(_field_error(path, error) for error in e.errors(include_url=False, include_input=False))
        raise Invalid("the criteria cannot be used", fields=fields) from e


def _field_error(path: str, error: Mapping[str, Any]) -> FieldError:
    parts = [str(p) for p in error["loc"] if not str(p).startswith("<")]
    return FieldError(".".join([path, *parts]), str(error["type"]), str(error["msg"]))


def _hold_limits(raw: object, path: str) -> None:
    # By hand and without recursion, before pydantic: a tree nested ten thousand deep must not reach any recursion.
    waiting: list[tuple[object, str, int]] = [(raw, path, 1)]
    conditions = 0
    while waiting:
        node, at, depth = waiting.pop()
        children = node.get("conditions") if isinstance(node, Mapping) else None
        if not isinstance(children, list):
            conditions += 1
            if isinstance(node, Mapping):
                _hold_plain(node.get("value"), f"{at}.value")
        elif depth > MAX_DEPTH:
            raise Invalid.field(at, "too_deep", f"groups may nest {MAX_DEPTH} levels")
        else:
            if conditions + len(waiting) + len(children) > MAX_CONDITIONS * 2:
                conditions = MAX_CONDITIONS + 1
            else:
                waiting.extend((child, f"{at}.conditions.{i}", depth + 1) for i, child in enumerate(children))
        if conditions > MAX_CONDITIONS:
            raise Invalid.field(path, "too_many_conditions", f"at most {MAX_CONDITIONS} conditions")


def _hold_plain(value: object, path: str) -> None:
    if isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(v, Mapping | list) for v in value)):
        raise Invalid.field(path, "wrong_type", "a value is a text, a number, true or false, or a list of these")
