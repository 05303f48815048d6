"""The consent ledger in the table `people`: head, numbered entry and gate change in one transaction.

Written over `Calls`, so that the public endpoints can use it with the thin client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from time import sleep
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import TRANSACTION_CANCELLED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.gate_items import gate_key, gate_of
from meghdoot.adapters.dynamodb.names import GATE_SK, GSI1, GSI1PK, GSI1SK, PK, SHAPE, SK, Document, Gate
from meghdoot.adapters.dynamodb.typed import typed, typed_item
from meghdoot.areas.consent import rules
from meghdoot.areas.consent.model import Channel, ConsentEntry, ContactGate, Purpose, gate_code
from meghdoot.kernel.clock import iso, parse_iso
from meghdoot.kernel.errors import Conflict, Malformed, NotFound, Throttled
from meghdoot.kernel.paging import Page

ENTRY_KIND, HEAD_KIND = "consent", "consent_head"
_ATTEMPTS = 5
_FIRST_PAUSE = 0.02
_REFUSED = "ConditionalCheckFailed"


class DynamoConsentLedger:
    """Entries and gates of customers."""

    def __init__(self, calls: Calls, table: str, pause: Callable[[float], None] = sleep) -> None:
        self._calls = calls
        self._table = table
        self._pause = pause

    def head(self, tenant: str, customer_id: str, channel: Channel, purpose: Purpose) -> ConsentEntry | None:
        key = {PK: typed(keys.customer_pk(tenant, customer_id)), SK: typed(keys.consent_sk(channel, purpose))}
        with answered():
            answer = self._calls("GetItem", {"TableName": self._table, "Key": key, "ConsistentRead": True})
        return _entry(answer["Item"]) if "Item" in answer else None

    def heads(
        self, tenant: str, customer_ids: Sequence[str], channel: Channel, purpose: Purpose
    ) -> dict[str, ConsentEntry]:
        sk = keys.consent_sk(channel, purpose)
        wanted = [(keys.customer_pk(tenant, customer_id), sk) for customer_id in customer_ids]
        found = (_entry(item) for item in batch_get(self._calls, self._table, wanted, self._pause, consistent=False))
        return {entry.customer_id: entry for entry in found}

    def append(self, entry: ConsentEntry) -> None:
        for round_ in range(_ATTEMPTS):
            gate = self.gate(entry.tenant, entry.customer_id)
            if gate is None:
                raise NotFound(f"there is no customer {entry.customer_id}", code="no_gate")
            if self._append(entry, gate):
                return
            self._pause(_FIRST_PAUSE * 2**round_)
        raise Throttled("the contact gate changes too fast", retry_after=1)

    def _append(self, entry: ConsentEntry, gate: ContactGate) -> bool:
        """One try against the gate as it was read. False when the gate has changed in a way that matters."""
        actions = [
            {"Put": {**self._put(entry, history=True), "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Put": {**self._put(entry, history=False), **_head_condition(entry)}},
            {"Update": {**self._gate_update(entry, gate)}},
        ]
        try:
            with answered():
                try:
                    self._calls("TransactWriteItems", {"TransactItems": actions})
                except CallError as e:
                    if e.code != TRANSACTION_CANCELLED or _REFUSED not in e.reasons:
                        raise
                    return self._judge(entry, e.reasons)
        except Throttled:
            # A wave or another writer holds one of the three items right now: a definite no.
            return False
        return True

    def _judge(self, entry: ConsentEntry, reasons: Sequence[str]) -> bool:
        if reasons[0] != _REFUSED and reasons[1] != _REFUSED:
            return False
        head = self.head(entry.tenant, entry.customer_id, entry.channel, entry.purpose)
        if head is not None and head.hash == entry.hash:
            # Our own write, whose reply was lost and which the client repeated.
            return True
        raise Conflict("another act of consent came first", code="sequence_taken")

    def _put(self, entry: ConsentEntry, *, history: bool) -> dict[str, Any]:
        listed = history and entry.state == "withdrawn" and entry.purpose == "marketing"
        item = {
            PK: keys.customer_pk(entry.tenant, entry.customer_id),
            SK: keys.consent_sk(entry.channel, entry.purpose, entry.sequence if history else None),
            GSI1PK: keys.unsubscribes_pk(entry.tenant, entry.channel) if listed else None,
            GSI1SK: f"{iso(entry.at)}#{entry.customer_id}#{entry.sequence:06d}" if listed else None,
            SHAPE: 1,
            Document.tenant: entry.tenant,
            Document.kind: ENTRY_KIND if history else HEAD_KIND,
            Document.version: entry.sequence,
            Document.data: json.dumps(asdict(entry) | {"at": iso(entry.at)}, ensure_ascii=False),
        }
        return {"TableName": self._table, "Item": typed_item(item)}

    def _gate_update(self, entry: ConsentEntry, gate: ContactGate) -> dict[str, Any]:
        code = gate_code(entry.channel, entry.purpose)
        opens = code in rules.gate_after(gate, entry.channel, entry.purpose, entry.state).granted
        change, condition = "", "attribute_exists(#v)"
        values: dict[str, Any] = {":one": typed(1)}
        names = {"#v": Gate.version}
        if not rules.is_grant(entry.state):
            change = " DELETE #c :code"
        elif opens:
            change = " ADD #c :code"
            condition += " AND (attribute_not_exists(#x) OR NOT contains(#x, :channel))"
        else:
            condition += " AND contains(#x, :channel)"
        if change:
            names["#c"], values[":code"] = Gate.granted, typed(frozenset({code}))
        if rules.is_grant(entry.state):
            names["#x"], values[":channel"] = Gate.suppressed, typed(code[:2])
        return {
            "TableName": self._table,
            "Key": gate_key(entry.tenant, entry.customer_id),
            "UpdateExpression": f"SET #v = #v + :one{change}",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }

    def history(
        self, tenant: str, customer_id: str, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        pk = keys.customer_pk(tenant, customer_id)
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :sk)",
            "FilterExpression": "#kd = :kd",
            "ExpressionAttributeNames": {"#pk": PK, "#sk": SK, "#kd": Document.kind},
            "ExpressionAttributeValues": {":pk": typed(pk), ":sk": typed("CONSENT#"), ":kd": typed(ENTRY_KIND)},
            "ConsistentRead": True,
        }
        start = None if after is None else {PK: typed(pk), SK: typed(f"CONSENT#{after}")}
        items, last = self._filled(query, limit, start)
        return Page(tuple(_entry(i) for i in items), last[SK]["S"].removeprefix("CONSENT#") if last else None)

    def _filled(
        self, query: Mapping[str, Any], limit: int, start: Mapping[str, Any] | None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """`limit` items or the end: the filter drops the heads after the service has counted them."""
        items: list[dict[str, Any]] = []
        while True:
            answer = self._query(query, limit - len(items), start)
            items += answer["Items"]
            start = answer.get("LastEvaluatedKey")
            if start is None or len(items) >= limit:
                return items, start

    def _query(self, query: Mapping[str, Any], limit: int, start: Mapping[str, Any] | None) -> dict[str, Any]:
        place = {"ExclusiveStartKey": start} if start else {}
        with answered():
            return self._calls("Query", {**query, "Limit": limit, **place})

    def withdrawn(
        self, tenant: str, channel: Channel, *, limit: int = 100, after: str | None = None
    ) -> Page[ConsentEntry]:
        pk = keys.unsubscribes_pk(tenant, channel)
        query = {
            "TableName": self._table,
            "IndexName": GSI1,
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": GSI1PK},
            "ExpressionAttributeValues": {":pk": typed(pk)},
            "ScanIndexForward": False,
        }
        answer = self._query(query, limit, None if after is None else _place(tenant, channel, after))
        last = answer.get("LastEvaluatedKey")
        return Page(tuple(_entry(i) for i in answer["Items"]), last[GSI1SK]["S"] if last else None)

    def gate(self, tenant: str, customer_id: str, *, consistent: bool = True) -> ContactGate | None:
        key = gate_key(tenant, customer_id)
        with answered():
            answer = self._calls("GetItem", {"TableName": self._table, "Key": key, "ConsistentRead": consistent})
        return gate_of(answer["Item"]) if "Item" in answer else None

    def gates(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, ContactGate]:
        wanted = [(keys.customer_pk(tenant, customer_id), GATE_SK) for customer_id in customer_ids]
        found = (gate_of(item) for item in batch_get(self._calls, self._table, wanted))
        return {gate.customer_id: gate for gate in found}


def _head_condition(entry: ConsentEntry) -> dict[str, Any]:
    if entry.sequence == 1:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#n = :before",
        "ExpressionAttributeNames": {"#n": Document.version},
        "ExpressionAttributeValues": {":before": typed(entry.sequence - 1)},
    }


def _entry(item: Mapping[str, Any]) -> ConsentEntry:
    stored = json.loads(item[Document.data]["S"])
    return ConsentEntry(**stored | {"at": parse_iso(stored["at"])})


def _place(tenant: str, channel: Channel, after: str) -> dict[str, Any]:
    at, _, rest = after.partition("#")
    customer_id, _, number = rest.rpartition("#")
    if not at or not customer_id or not number.isdecimal():
        raise Malformed("this cursor is none of ours", code="bad_cursor")
    return typed_item(
        {
            PK: keys.customer_pk(tenant, customer_id),
            SK: keys.consent_sk(channel, "marketing", int(number)),
            GSI1PK: keys.unsubscribes_pk(tenant, channel),
            GSI1SK: after,
        }
    )
