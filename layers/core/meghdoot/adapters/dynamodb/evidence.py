"""The watermark of evidence, in the table `work`."""

from __future__ import annotations

from datetime import datetime

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CallError, Calls
from meghdoot.kernel.clock import iso, parse_iso
from meghdoot.kernel.errors import Unavailable

_SK = "W"


class DynamoEvidence:
    """The newest acceptance about which a provider's event was heard. It only moves forward."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def heard(self, provider: str, at: datetime) -> None:
        try:
            self._calls(
                "UpdateItem",
                {
                    "TableName": self._table,
                    "Key": _evidence_key(provider),
                    "UpdateExpression": "SET #body = :at",
                    "ConditionExpression": "attribute_not_exists(#body) OR #body < :at",
                    "ExpressionAttributeNames": {"#body": "body"},
                    "ExpressionAttributeValues": {":at": {"S": iso(at)}},
                },
            )
        except CallError as e:
            if e.code != "ConditionalCheckFailedException":
                raise Unavailable("the database does not answer") from e

    def watermark(self, provider: str) -> datetime | None:
        body = _item(self._calls, self._table, _evidence_key(provider)).get("body")
        return parse_iso(body["S"]) if body else None


def _evidence_key(provider: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": keys.evidence_pk(provider)}, "sk": {"S": _SK}}


def _item(calls: Calls, table: str, key: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    try:
        answer = calls("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
    except CallError as e:
        raise Unavailable("the database does not answer") from e
    return dict(answer.get("Item", {}))
