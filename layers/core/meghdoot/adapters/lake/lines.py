"""Stored items as lines of the lake. What may not stand in the lake (addresses, phones, names) is left out here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meghdoot.areas.segments.days import day_of, milliseconds, parse_day
from meghdoot.areas.segments.person import Daily, Person, as_boolean, as_number, as_text
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.clock import parse_iso

AUDIENCE = "audience"
Line = dict[str, Any]


def customer_line(document: Mapping[str, Any], version: int) -> Line:
    """A profile document (the JSON of a Customer). Raises KeyError or ValueError for anything else."""
    attributes = document.get("attributes") or {}
    copied = {name: document.get(name) for name in ("language", "city", "country", "gender", "zone")}
    return {
        "id": document["id"],
        "version": version,
        "slot": bucket(AUDIENCE, document["id"], 2**64),
        **copied,
        "tags": list(document.get("tags") or ()),
        "is_active": bool(document.get("is_active", True)),
        "has_email": document.get("email") is not None,
        "has_phone": document.get("phone") is not None,
        "birth_day": parse_day(document.get("birth_date")),
        "created_ms": milliseconds(parse_iso(document["created_at"])),
        "attr_text": _typed(attributes, as_text),
        "attr_number": _typed(attributes, as_number),
        "attr_boolean": _typed(attributes, as_boolean),
        "attr_day": _typed(attributes, parse_day),
    }


def _typed(attributes: Mapping[str, Any], read: Any) -> dict[str, Any]:
    typed = {name: read(value) for name, value in attributes.items()}
    return {name: value for name, value in typed.items() if value is not None}


def event_line(document: Mapping[str, Any]) -> Line:
    """An event document (the JSON of an Event). Its properties stay out: nothing reads them."""
    amount = document.get("amount") or {}
    return {
        "id": document["id"],
        "customer_id": document["customer_id"],
        "type": document["type"],
        "at_ms": milliseconds(parse_iso(document["at"])),
        "amount_minor": amount.get("minor"),
        "currency": amount.get("currency"),
        "order_id": document.get("order_id"),
    }


def person_of(line: Mapping[str, Any], purchases: tuple[Daily, ...], zone: str) -> Person:
    """The person that a customer line describes, for the predicate."""
    attributes = {**line["attr_text"], **line["attr_number"], **line["attr_boolean"]}
    same = ("id", "language", "city", "country", "gender", "zone", "is_active", "has_email", "has_phone", "birth_day")
    return Person(
        **{name: line[name] for name in same},
        tags=frozenset(line["tags"]),
        created_day=day_of(line["created_ms"], zone),
        attributes=attributes,
        purchases=purchases,
    )
