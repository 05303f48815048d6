"""Profiles, identities and the birth of the contact gate, in the table `people`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.batches import Batches
from meghdoot.adapters.dynamodb.calls import THROTTLES, CallError, Calls, translated_error
from meghdoot.adapters.dynamodb.models import DocumentItem, GateItem, IdentityItem
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.dynamodb.typed import Plain, typed, typed_item
from meghdoot.areas.customers.model import AttributeDefinition, Customer, IdentityKind
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.errors import AppError, Conflict, FieldError, Malformed, Stale, Throttled
from meghdoot.kernel.paging import Page

PROFILE, GATE, IDENTITY = "PROFILE", "GATE", "ID"
_ATTEMPTS = 4
_TENANT: str = DocumentItem.tenant.attr_name
_KIND: str = DocumentItem.kind.attr_name
_VERSION: str = DocumentItem.version.attr_name
_DOC: str = DocumentItem.data.attr_name
_HOLDER: str = IdentityItem.customer_id.attr_name
_GATE_VERSION: str = GateItem.version.attr_name
_ZONE: str = GateItem.zone.attr_name
_ABSENT = {"ConditionExpression": "attribute_not_exists(pk)"}

Action = tuple[str, dict[str, Any]]
"""What an action of a transaction is about (`profile`, `gate` or an identity kind), and the action."""


def dynamo_attributes(model: type[DocumentItem]) -> DynamoRecords[AttributeDefinition]:
    """The custom attributes. `model` is bound to the table `definitions`."""
    return DynamoRecords(model, AttributeDefinition, "attribute")


def shard_of(customer_id: str) -> int:
    """The shard of the tenant's list that a customer stands in."""
    return bucket("customers", customer_id, keys.CUSTOMER_SHARDS)


class DynamoCustomers:
    """Profile, identities and gate change together. Safe to share between threads (boto3's clients are)."""

    def __init__(
        self, calls: Calls, table: str, pause: Callable[[float], None] = time.sleep, *, consistent: bool = True
    ) -> None:
        """`consistent=False` for who reads a million profiles, of which a second's delay changes nothing."""
        self._calls = calls
        self._table = table
        self._pause = pause
        self._batches = Batches(calls, table, pause=pause)
        self._consistent = consistent

    def get(self, tenant: str, customer_id: str) -> Customer | None:
        return self.get_many(tenant, [customer_id]).get(customer_id)

    def get_many(self, tenant: str, customer_ids: Sequence[str]) -> dict[str, Customer]:
        wanted = [(keys.customer_pk(tenant, c), PROFILE) for c in customer_ids]
        items = self._batches.read(wanted, consistent=self._consistent)
        customers = [_customer(item) for item in items]
        return {customer.id: customer for customer in customers}

    def find(self, tenant: str, kind: IdentityKind, key: str) -> str | None:
        return self.find_many(tenant, [(kind, key)]).get((kind, key))

    def find_many(
        self, tenant: str, identities: Sequence[tuple[IdentityKind, str]]
    ) -> dict[tuple[IdentityKind, str], str]:
        by_pk = {keys.identity_pk(tenant, kind, key): (kind, key) for kind, key in identities}
        items = self._batches.read([(pk, IDENTITY) for pk in by_pk])
        return {by_pk[item["pk"]["S"]]: item[_HOLDER]["S"] for item in items}

    def create(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        gate: dict[str, Plain | None] = {
            "pk": self._pk(customer),
            "sk": GATE,
            "s": 1,
            _GATE_VERSION: 1,
            _ZONE: customer.zone,
        }
        self._transact(
            [
                ("profile", {"Put": self._put(_profile(customer)) | _ABSENT}),
                *self._identity_puts(customer, identity_keys),
                ("gate", {"Put": self._put(gate) | _ABSENT}),
            ],
            Conflict("this customer exists already", code="already_exists"),
        )

    def update(
        self,
        customer: Customer,
        expected_version: int,
        added: dict[IdentityKind, str],
        removed: dict[IdentityKind, str],
        *,
        zone_changed: bool = False,
    ) -> None:
        stale = Stale("the customer was changed by somebody else")
        profile = self._put(_profile(customer)) | {
            "ConditionExpression": "#n = :expected",
            "ExpressionAttributeNames": {"#n": _VERSION},
            "ExpressionAttributeValues": {":expected": typed(expected_version)},
        }
        rest = [*self._identity_puts(customer, added), *self._identity_deletes(customer, removed)]
        if zone_changed:
            rest.append(("gate", {"Update": self._gate_zone(customer)}))
        if rest:
            self._transact([("profile", {"Put": profile}), *rest], stale)
        else:
            self._put_profile(profile, stale)

    def _put_profile(self, payload: dict[str, Any], refused: AppError) -> None:
        try:
            self._calls("PutItem", payload)
        except CallError as e:
            if e.code == "ConditionalCheckFailedException":
                raise refused from e
            raise translated_error(e) from e

    def delete(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> None:
        profile = {
            "TableName": self._table,
            "Key": _key(self._pk(customer), PROFILE),
            "ConditionExpression": "attribute_not_exists(pk) OR #n = :expected",
            "ExpressionAttributeNames": {"#n": _VERSION},
            "ExpressionAttributeValues": {":expected": typed(customer.version)},
        }
        gate = {"TableName": self._table, "Key": _key(self._pk(customer), GATE)}
        self._transact(
            [
                ("profile", {"Delete": profile}),
                ("gate", {"Delete": gate}),
                *self._identity_deletes(customer, identity_keys),
            ],
            Stale("the customer was changed by somebody else"),
        )

    def page(self, tenant: str, *, limit: int = 100, after: str | None = None) -> Page[Customer]:
        shard, last = _cursor(after)
        found: list[Customer] = []
        while shard < keys.CUSTOMER_SHARDS and len(found) <= limit:
            found += self._shard(tenant, shard, last, limit + 1 - len(found))
            shard, last = shard + 1, None
        more = len(found) > limit
        end = found[limit - 1].id if more else ""
        return Page(tuple(found[:limit]), f"{shard_of(end):02d}#{end}" if more else None)

    def _shard(self, tenant: str, shard: int, after: str | None, limit: int) -> list[Customer]:
        payload: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "gsi1",
            "KeyConditionExpression": "gsi1pk = :pk" + ("" if after is None else " AND gsi1sk > :after"),
            "ExpressionAttributeValues": {":pk": typed(keys.customer_list_pk(tenant, shard))}
            | ({} if after is None else {":after": typed(after)}),
        }
        found: list[Customer] = []
        while len(found) < limit:
            try:
                answer = self._calls("Query", payload | {"Limit": limit - len(found)})
            except CallError as e:
                raise translated_error(e) from e
            found += [_customer(item) for item in answer.get("Items", [])]
            if not answer.get("LastEvaluatedKey"):
                break
            payload["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found

    @staticmethod
    def _pk(customer: Customer) -> str:
        return keys.customer_pk(customer.tenant, customer.id)

    def _put(self, item: Mapping[str, Plain | None]) -> dict[str, Any]:
        return {"TableName": self._table, "Item": typed_item(item)}

    def _identity_puts(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> list[Action]:
        mine = {
            "ConditionExpression": "attribute_not_exists(pk) OR #h = :me",
            "ExpressionAttributeNames": {"#h": _HOLDER},
            "ExpressionAttributeValues": {":me": typed(customer.id)},
        }
        actions: list[Action] = []
        for kind, key in identity_keys.items():
            pk = keys.identity_pk(customer.tenant, kind, key)
            actions.append((kind, {"Put": self._put({"pk": pk, "sk": IDENTITY, "s": 1, _HOLDER: customer.id}) | mine}))
        return actions

    def _identity_deletes(self, customer: Customer, identity_keys: dict[IdentityKind, str]) -> list[Action]:
        actions: list[Action] = []
        for kind, key in identity_keys.items():
            delete = {
                "TableName": self._table,
                "Key": _key(keys.identity_pk(customer.tenant, kind, key), IDENTITY),
                "ConditionExpression": "attribute_not_exists(pk) OR #h = :me",
                "ExpressionAttributeNames": {"#h": _HOLDER},
                "ExpressionAttributeValues": {":me": typed(customer.id)},
            }
            actions.append((kind, {"Delete": delete}))
        return actions

    def _gate_zone(self, customer: Customer) -> dict[str, Any]:
        values = {":one": typed(1)} | ({} if customer.zone is None else {":z": typed(customer.zone)})
        change = "REMOVE #z" if customer.zone is None else ", #z = :z"
        return {
            "TableName": self._table,
            "Key": _key(self._pk(customer), GATE),
            "UpdateExpression": f"SET #v = #v + :one {change}",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": {"#v": _GATE_VERSION, "#z": _ZONE},
            "ExpressionAttributeValues": values,
        }

    def _transact(self, actions: list[Action], refused: AppError) -> None:
        """All or nothing. Raises `refused` for profile and gate, Conflict (`identity_taken`) for an identity."""
        payload = {"TransactItems": [action for _, action in actions]}
        for attempt in range(_ATTEMPTS):
            try:
                self._calls("TransactWriteItems", payload)
            except CallError as e:
                _raise_for(e, [name for name, _ in actions], refused)
            else:
                return
            self._pause(0.025 * 2**attempt)
        raise Throttled("the database is busy", retry_after=1)


def _raise_for(error: CallError, names: list[str], refused: AppError) -> None:
    """Raises what a cancelled transaction means; returns when it was only in somebody's way and may be repeated."""
    failed = [name for name, code in zip(names, error.reasons, strict=False) if code == "ConditionalCheckFailed"]
    if not failed:
        if error.code in THROTTLES or THROTTLES.intersection(error.reasons):
            return
        raise translated_error(error) from error
    if "profile" in failed or "gate" in failed:
        raise refused from error
    fields = tuple(FieldError(kind, "identity_taken", "belongs to another customer") for kind in failed)
    raise Conflict("another customer has this identity", code="identity_taken", fields=fields) from error


def _profile(customer: Customer) -> dict[str, Plain | None]:
    return {
        "pk": keys.customer_pk(customer.tenant, customer.id),
        "sk": PROFILE,
        "gsi1pk": keys.customer_list_pk(customer.tenant, shard_of(customer.id)),
        "gsi1sk": customer.id,
        "s": 1,
        _TENANT: customer.tenant,
        _KIND: "customer",
        _VERSION: customer.version,
        _DOC: json.dumps(to_plain(customer), ensure_ascii=False),
    }


def _customer(item: Mapping[str, Any]) -> Customer:
    return from_plain(Customer, json.loads(item[_DOC]["S"]))


def _key(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _cursor(after: str | None) -> tuple[int, str | None]:
    if after is None:
        return 0, None
    shard, _, last = after.partition("#")
    if not shard.isdecimal() or not last:
        raise Malformed("this cursor is none of ours", code="bad_cursor")
    return int(shard), last
