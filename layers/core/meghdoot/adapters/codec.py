"""Dataclasses to plain JSON data and back, by their own annotations.

What we store is written and read by `plain_data`, which costs no import; pydantic is loaded with the first class that is
beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from meghdoot.adapters.plain_data import Unfit, reader, writer

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    if cls not in _adapters:
        from pydantic import TypeAdapter

        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def to_plain(value: Any) -> Any:
    """JSON-ready data: instants as RFC 3339 text, tuples as lists, decimals as text."""
    try:
        return writer(type(value))(value)
    except Unfit:
        return _adapter(type(value)).dump_python(value, mode="json")


def from_plain(cls: type[T], data: Any) -> T:
    """The dataclass that `to_plain` wrote; fields that a newer version added take their defaults.

    Raises ValueError for data that is not of this class.
    """
    try:
        read = reader(cls)
    except Unfit:
        return _adapter(cls).validate_python(data)
    found: T = read(data)
    return found
