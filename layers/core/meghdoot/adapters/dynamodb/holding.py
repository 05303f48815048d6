"""Holds of tenants in the table `definitions`, and the one read by which a sender sees run and hold together."""

from __future__ import annotations

import json
from typing import Any

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.names import PK, SHAPE, SK, Document, Held
from meghdoot.adapters.dynamodb.typed import typed_item
from meghdoot.areas.messaging.holding import Hold, Watched
from meghdoot.areas.messaging.model import Run
from meghdoot.kernel.errors import NotFound


class DynamoHolds:
    """One item a tenant that is held; none for the others."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def get(self, tenant: str) -> Hold | None:
        payload = {"TableName": self._table, "Key": _key(tenant), "ConsistentRead": True}
        with answered():
            return _hold(self._calls("GetItem", payload).get("Item"))

    def put(self, hold: Hold) -> bool:
        item: dict[str, Any] = {
            PK: keys.hold_pk(hold.tenant),
            SK: keys.HOLD_SK,
            SHAPE: 1,
            Held.scope: hold.scope,
            Document.data: json.dumps(to_plain(hold), ensure_ascii=False),
        }
        payload: dict[str, Any] = {
            "TableName": self._table,
            "Item": typed_item(item),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if hold.scope == "all":
            payload["ConditionExpression"] += " OR #scope = :narrower"
            payload["ExpressionAttributeNames"] = {"#scope": Held.scope}
            payload["ExpressionAttributeValues"] = {":narrower": {"S": "marketing"}}
        with answered():
            try:
                self._calls("PutItem", payload)
            except CallError as e:
                if e.code != CONDITION_FAILED:
                    raise
                return False
        return True

    def lift(self, tenant: str) -> Hold | None:
        payload = {"TableName": self._table, "Key": _key(tenant), "ReturnValues": "ALL_OLD"}
        with answered():
            return _hold(self._calls("DeleteItem", payload).get("Attributes"))


class DynamoRunWatch:
    """Run and hold by one BatchGetItem."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def look(self, tenant: str, run_id: str) -> Watched:
        run_key = (keys.record_pk(tenant, "run", run_id), keys.RECORD_SK)
        hold_key = (keys.hold_pk(tenant), keys.HOLD_SK)
        # Consistent: a read that lags would let a cancelled or held run go on for as long as it lags.
        found = {item[PK]["S"]: item for item in batch_get(self._calls, self._table, [run_key, hold_key])}
        stored = found.get(run_key[0])
        if stored is None:
            raise NotFound(f"there is no run {run_id}")
        run = from_plain(Run, json.loads(stored[Document.data]["S"]))
        return Watched(run, _hold(found.get(hold_key[0])))


def _key(tenant: str) -> dict[str, Any]:
    return {PK: {"S": keys.hold_pk(tenant)}, SK: {"S": keys.HOLD_SK}}


def _hold(item: Any) -> Hold | None:
    return from_plain(Hold, json.loads(item[Document.data]["S"])) if item else None
