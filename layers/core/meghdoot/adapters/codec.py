"""Dataclasses to plain JSON data and back, by their own annotations."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def to_plain(value: Any) -> Any:
    """JSON-ready data: instants as RFC 3339 text, tuples as lists, decimals as text."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_plain(cls: type[T], data: Any) -> T:
    """The dataclass that `to_plain` wrote; fields that a newer version added take their defaults.

    Raises ValueError for data that is not of this class.
    """
    return _adapter(cls).validate_python(data)
