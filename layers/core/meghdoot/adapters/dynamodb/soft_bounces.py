"""Soft bounces of an address: a set beside its suppression in the table `people`, and the deliveries of `activity`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import Calls, answered
from meghdoot.adapters.dynamodb.names import PK, SK, TTL, Send, Soft
from meghdoot.adapters.dynamodb.typed import typed
from meghdoot.kernel.clock import parse_iso

_KEPT = timedelta(days=183)
_LONGEST_RUN = timedelta(days=8)
"""A row's key holds the minute in which its run began; a run is stale after its horizon of a week."""


class DynamoSoftBounces:
    """One write a soft bounce; one query of a customer's rows when a limit is reached."""

    def __init__(self, calls: Calls, people: str, activity: str) -> None:
        self._calls = calls
        self._people = people
        self._activity = activity

    def add(self, tenant: str, address_key: str, entry: str, at: datetime) -> frozenset[str]:
        update = self._update(tenant, address_key, "ADD #set :entries SET #ttl = :ttl", [entry])
        update["ExpressionAttributeNames"]["#ttl"] = TTL
        update["ExpressionAttributeValues"][":ttl"] = typed(int((at + _KEPT).timestamp()))
        with answered():
            answer = self._calls("UpdateItem", update | {"ReturnValues": "ALL_NEW"})
        return frozenset(answer["Attributes"][Soft.entries]["SS"])

    def forget(self, tenant: str, address_key: str, entries: Collection[str]) -> None:
        if entries:
            with answered():
                self._calls("UpdateItem", self._update(tenant, address_key, "DELETE #set :entries", entries))

    def _update(self, tenant: str, address_key: str, expression: str, entries: Collection[str]) -> dict[str, Any]:
        return {
            "TableName": self._people,
            "Key": {PK: typed(keys.suppression_pk(tenant, address_key)), SK: typed(keys.SOFT_BOUNCES_SK)},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {"#set": Soft.entries},
            "ExpressionAttributeValues": {":entries": typed(frozenset(entries))},
        }

    def last_delivery(self, tenant: str, customer_id: str, since: datetime) -> datetime | None:
        query: dict[str, Any] = {
            "TableName": self._activity,
            "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :from AND :to",
            "FilterExpression": "#state = :delivered",
            "ExpressionAttributeNames": {"#pk": PK, "#sk": SK, "#state": Send.state},
            "ExpressionAttributeValues": {
                ":pk": typed(keys.customer_pk(tenant, customer_id)),
                ":from": typed(keys.send_sk(f"{since - _LONGEST_RUN:%Y%m%d%H%M}", "")),
                ":to": typed(keys.send_sk("999999999999", "")),
                ":delivered": typed("delivered"),
            },
            "ConsistentRead": True,
        }
        found: list[datetime] = []
        while True:
            with answered():
                page = self._calls("Query", query)
            found += [parse_iso(item[Send.at]["S"]) for item in page.get("Items", [])]
            if "LastEvaluatedKey" not in page:
                return max((at for at in found if at >= since), default=None)
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
