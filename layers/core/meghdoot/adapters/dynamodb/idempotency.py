"""Idempotency keys in the table `work`. DynamoDB deletes late, so every read compares the time itself."""

from __future__ import annotations

import base64
import zlib
from datetime import datetime
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CallError, Calls
from meghdoot.adapters.dynamodb.models import WorkItem
from meghdoot.kernel.errors import Unavailable
from meghdoot.kernel.idempotency import Remembered

_SK = "IDEM"
# Stored names, from the model: owner = token, body = fingerprint and packed answer.
_NAMES = {
    "#own": WorkItem.owner.attr_name, "#until": WorkItem.until.attr_name, "#body": WorkItem.body.attr_name,
    "#ttl": WorkItem.ttl.attr_name,
}  # fmt: skip


class DynamoIdempotency:
    """One item a key; conditional writes decide who works."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def begin(
        self, tenant: str, key: str, fingerprint: str, token: str, *, now: datetime, until: datetime
    ) -> Remembered | None:
        item = self._item(tenant, key, token, fingerprint, None, until)
        payload = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk) OR #until <= :now",
            "ExpressionAttributeNames": {"#until": _NAMES["#until"]},
            "ExpressionAttributeValues": {":now": {"N": str(int(now.timestamp()))}},
        }
        try:
            self._calls("PutItem", payload)
        except CallError as e:
            if e.code != "ConditionalCheckFailedException":
                raise Unavailable("the database does not answer") from e
            return self._known(tenant, key)
        return None

    def finish(self, tenant: str, key: str, fingerprint: str, token: str, *, answer: str, until: datetime) -> None:
        item = self._item(tenant, key, token, fingerprint, answer, until)
        self._if_held("PutItem", {"Item": item}, token)

    def release(self, tenant: str, key: str, token: str) -> None:
        self._if_held("DeleteItem", {"Key": _key(tenant, key)}, token)

    def _if_held(self, operation: str, what: dict[str, Any], token: str) -> None:
        condition = {
            "TableName": self._table,
            "ConditionExpression": "#own = :token",
            "ExpressionAttributeNames": {"#own": _NAMES["#own"]},
            "ExpressionAttributeValues": {":token": {"S": token}},
        }
        try:
            self._calls(operation, what | condition)
        except CallError as e:
            # Somebody took the key over after our minute: theirs is the answer that counts.
            if e.code != "ConditionalCheckFailedException":
                raise Unavailable("the database does not answer") from e

    def _known(self, tenant: str, key: str) -> Remembered:
        read = {"TableName": self._table, "Key": _key(tenant, key), "ConsistentRead": True}
        try:
            item = self._calls("GetItem", read).get("Item")
        except CallError as e:
            raise Unavailable("the database does not answer") from e
        if item is None:
            # It was released between the two calls: the caller may simply come again.
            raise Unavailable("another request with this key has just ended", retry_after=1)
        fingerprint, _, packed = item[_NAMES["#body"]]["S"].partition(" ")
        return Remembered(fingerprint, _unpack(packed) if packed else None)

    def _item(
        self, tenant: str, key: str, token: str, fingerprint: str, answer: str | None, until: datetime
    ) -> dict[str, Any]:
        seconds = str(int(until.timestamp()))
        body = f"{fingerprint} {_pack(answer)}" if answer is not None else fingerprint
        return _key(tenant, key) | {
            _NAMES["#own"]: {"S": token},
            _NAMES["#until"]: {"N": seconds},
            _NAMES["#ttl"]: {"N": seconds},
            _NAMES["#body"]: {"S": body},
        }


def _key(tenant: str, key: str) -> dict[str, Any]:
    return {"pk": {"S": keys.idempotency_pk(tenant, key)}, "sk": {"S": _SK}}


def _pack(answer: str) -> str:
    return base64.b64encode(zlib.compress(answer.encode(), 6)).decode()


def _unpack(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode()
