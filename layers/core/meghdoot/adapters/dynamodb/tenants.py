"""Tenants and senders as records; the owners of sending identities in the table `work`."""

from __future__ import annotations

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CallError, Calls, translated_error
from meghdoot.adapters.dynamodb.models import DocumentItem, WorkItem
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.dynamodb.typed import Plain, typed, typed_item
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.kernel.errors import Conflict

_SK = "OWNER"
_OWNER: str = WorkItem.owner.attr_name


def dynamo_tenants(model: type[DocumentItem]) -> DynamoRecords[Tenant]:
    """The tenants. `model` is bound to the table `definitions`."""
    return DynamoRecords(model, Tenant, "tenant")


def dynamo_senders(model: type[DocumentItem]) -> DynamoRecords[SenderIdentity]:
    """The sender identities, listed by status. `model` is bound to the table `definitions`."""
    return DynamoRecords(model, SenderIdentity, "sender", lambda sender: sender.status)


class DynamoIdentityOwners:
    """One item an identity. It is a provider reference, so its key does not begin with a tenant."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def claim(self, identity: str, tenant: str) -> None:
        item: dict[str, Plain | None] = {"pk": keys.identity_owner_pk(identity), "sk": _SK, "s": 1, _OWNER: tenant}
        payload = {
            "TableName": self._table,
            "Item": typed_item(item),
            "ConditionExpression": "attribute_not_exists(pk) OR #o = :t",
            "ExpressionAttributeNames": {"#o": _OWNER},
            "ExpressionAttributeValues": {":t": typed(tenant)},
        }
        try:
            self._calls("PutItem", payload)
        except CallError as e:
            if e.code != "ConditionalCheckFailedException":
                raise translated_error(e) from e
            raise Conflict("another tenant sends from this identity", code="identity_taken") from e

    def owner(self, identity: str) -> str | None:
        payload = {"TableName": self._table, "Key": self._key(identity), "ConsistentRead": True}
        try:
            item = self._calls("GetItem", payload).get("Item")
        except CallError as e:
            raise translated_error(e) from e
        return None if item is None else str(item[_OWNER]["S"])

    def release(self, identity: str, tenant: str) -> None:
        payload = {
            "TableName": self._table,
            "Key": self._key(identity),
            "ConditionExpression": "#o = :t",
            "ExpressionAttributeNames": {"#o": _OWNER},
            "ExpressionAttributeValues": {":t": typed(tenant)},
        }
        try:
            self._calls("DeleteItem", payload)
        except CallError as e:
            # A refused condition means that it is not the tenant's: then there is nothing to give up.
            if e.code != "ConditionalCheckFailedException":
                raise translated_error(e) from e

    @staticmethod
    def _key(identity: str) -> dict[str, dict[str, str]]:
        return {"pk": {"S": keys.identity_owner_pk(identity)}, "sk": {"S": _SK}}
