"""Runs that are not over, of all tenants, in one partition of the table `work`."""

from __future__ import annotations

from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import Calls, answered


class DynamoLiveRuns:
    """One small item a run; written when it is planned and deleted when it is over."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def add(self, tenant: str, run_id: str) -> None:
        with answered():
            self._calls("PutItem", {"TableName": self._table, "Item": _key(tenant, run_id)})

    def all(self) -> list[tuple[str, str]]:
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": keys.live_runs_pk()}},
            "ConsistentRead": True,
        }
        found: list[tuple[str, str]] = []
        while True:
            with answered():
                page = self._calls("Query", query)
            for item in page.get("Items", []):
                tenant, _, run_id = item["sk"]["S"].partition("#")
                found.append((tenant, run_id))
            if "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def remove(self, tenant: str, run_id: str) -> None:
        with answered():
            self._calls("DeleteItem", {"TableName": self._table, "Key": _key(tenant, run_id)})


def _key(tenant: str, run_id: str) -> dict[str, Any]:
    return {"pk": {"S": keys.live_runs_pk()}, "sk": {"S": f"{tenant}#{run_id}"}}
