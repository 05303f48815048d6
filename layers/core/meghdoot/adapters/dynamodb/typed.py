"""Attribute values of DynamoDB's own JSON form, for adapters over `Calls`: text, whole numbers and sets of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Plain = str | int | frozenset[str]


def typed(value: Plain) -> dict[str, Any]:
    """One value: `{"S": ...}`, `{"N": ...}` or `{"SS": [...]}` (an empty set cannot be stored: leave it out)."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, frozenset):
        return {"SS": sorted(value)}
    return {"N": str(value)}


def typed_item(item: Mapping[str, Plain | None]) -> dict[str, Any]:
    """An item; attributes that are None or an empty set are left out."""
    return {name: typed(value) for name, value in item.items() if value is not None and value != frozenset()}


def plain(value: Mapping[str, Any]) -> Plain:
    """The value behind its type. Raises ValueError for a type that we do not store."""
    ((kind, raw),) = value.items()
    if kind == "S":
        return str(raw)
    if kind == "N":
        return int(raw)
    if kind == "SS":
        return frozenset(raw)
    raise ValueError(f"an attribute of type {kind} is none of ours")


def plain_item(item: Mapping[str, Any]) -> dict[str, Plain]:
    """A whole item without its types."""
    return {name: plain(value) for name, value in item.items()}
