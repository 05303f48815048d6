"""Records of the tables' streams, as Lambda receives them, made from the things that are stored."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from meghdoot.adapters.codec import to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.areas.customers.model import Customer, Event
from meghdoot.areas.messaging.model import SendRow, Touch
from meghdoot.kernel.clock import iso

_sequence = count(1)
_CREATED = 1772366400


def _record(name: str, pk: str, sk: str, image: dict[str, Any] | None) -> dict[str, Any]:
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": _CREATED,
        "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
        "SequenceNumber": f"{next(_sequence):021d}",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if image is not None:
        change["NewImage"] = {**change["Keys"], **image}
    return {"eventID": change["SequenceNumber"], "eventName": name, "eventSource": "aws:dynamodb", "dynamodb": change}


def _document(tenant: str, kind: str, version: int, data: Any) -> dict[str, Any]:
    body = json.dumps(to_plain(data))
    return {"t": {"S": tenant}, "kd": {"S": kind}, "n": {"N": str(version)}, "s": {"N": "1"}, "doc": {"S": body}}


def profile(customer: Customer) -> dict[str, Any]:
    """A profile that was stored or changed."""
    image = _document(customer.tenant, "customer", customer.version, customer)
    return _record("MODIFY", keys.customer_pk(customer.tenant, customer.id), "PROFILE", image)


def erased(customer: Customer) -> dict[str, Any]:
    """A profile that was removed."""
    return _record("REMOVE", keys.customer_pk(customer.tenant, customer.id), "PROFILE", None)


def event(event: Event) -> dict[str, Any]:
    """A customer's event that was stored."""
    sk = keys.event_sk(iso(event.at), event.id)
    return _record(
        "INSERT", keys.customer_pk(event.tenant, event.customer_id), sk, _document(event.tenant, "event", 1, event)
    )


def send(row: SendRow, rank: int) -> dict[str, Any]:
    """A send row that was born or climbed."""
    image = {
        "st": {"S": row.state}, "rk": {"N": str(rank)}, "run": {"S": row.run_id}, "ch": {"N": str(row.chunk)},
        "i": {"N": str(row.index)}, "at": {"S": iso(row.at)}, "pv": {"S": row.provider},
    }  # fmt: skip
    return _record(
        "MODIFY", keys.customer_pk(row.tenant, row.customer_id), keys.send_sk(row.minute, row.send_key), image
    )


def touch(touch: Touch) -> dict[str, Any]:
    """A touch that was kept."""
    image = {"run": {"S": touch.run_id}, "tk": {"S": touch.kind}, "at": {"S": iso(touch.at)}}
    if touch.link is not None:
        image["ln"] = {"N": str(touch.link)}
    sk = keys.touch_sk(touch.send_key, touch.kind, touch.link)
    return _record("INSERT", keys.customer_pk(touch.tenant, touch.customer_id), sk, image)
