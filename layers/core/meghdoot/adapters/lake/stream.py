"""Stream records of the tables `people` and `activity` as lines of the lake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from meghdoot.adapters.dynamodb.names import Document
from meghdoot.adapters.lake.lines import Line, customer_line, event_line
from meghdoot.areas.segments.days import milliseconds
from meghdoot.kernel.clock import parse_iso


@dataclass(frozen=True, slots=True)
class Archived:
    """A line and where it belongs. `day` is the UTC day of the change, `sequence` the record's own number."""

    tenant: str
    day: str
    kind: str
    sequence: str
    line: Line


def archived(record: Mapping[str, Any]) -> Archived | None:
    """What the lake keeps of a record, or None. Raises KeyError, TypeError or ValueError for an item that is broken."""
    change = record["dynamodb"]
    keys = change["Keys"]
    tenant, _, rest = str(keys["pk"]["S"]).partition("#")
    if not rest.startswith("C#"):
        return None
    customer = rest.removeprefix("C#")
    found = _kept(record["eventName"], customer, str(keys["sk"]["S"]), change.get("NewImage") or {})
    if found is None:
        return None
    kind, line = found
    return Archived(tenant, _day(change["ApproximateCreationDateTime"]), kind, str(change["SequenceNumber"]), line)


def _day(at: float | str | datetime) -> str:
    if isinstance(at, str):
        return at[:10]
    return (at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)).strftime("%Y-%m-%d")


def _kept(name: str, customer: str, sk: str, image: Mapping[str, Any]) -> tuple[str, Line] | None:
    if name == "REMOVE":
        # A profile that goes was erased. Events and sends only reach the end of their 13 months: the lake keeps them.
        return ("tombstones", {"id": customer}) if sk == "PROFILE" else None
    if sk == "PROFILE":
        return "customers", customer_line(_document(image), int(image[Document.version]["N"]))
    if sk.startswith("E#"):
        return "events", event_line(_document(image))
    if sk.startswith("SEND#"):
        return "sends", _send_line(customer, sk, image)
    return ("touches", _touch_line(customer, sk, image)) if sk.startswith("TOUCH#") else None


def _document(image: Mapping[str, Any]) -> dict[str, Any]:
    document = json.loads(image[Document.data]["S"])
    if not isinstance(document, dict):
        raise TypeError("the document of an item is an object")
    return document


def _send_line(customer: str, sk: str, image: Mapping[str, Any]) -> Line:
    at, state = milliseconds(parse_iso(image["at"]["S"])), image["st"]["S"]
    return {
        "send_key": sk.rpartition("#")[2],
        "customer_id": customer,
        "run_id": image["run"]["S"],
        "state": state,
        "rank": int(image["rk"]["N"]),
        "at_ms": at,
        "delivered_ms": at if state == "delivered" else None,
    }


def _touch_line(customer: str, sk: str, image: Mapping[str, Any]) -> Line:
    return {
        "send_key": sk.split("#")[1],
        "customer_id": customer,
        "run_id": image["run"]["S"],
        "kind": image["tk"]["S"],
        "link": int(image["ln"]["N"]) if "ln" in image else None,
        "at_ms": milliseconds(parse_iso(image["at"]["S"])),
    }
