"""DynamoDB in this process, as far as our adapters use it, with the true rules of conditions and of statements.

moto answers ok to a statement whose condition is false, and an emulator costs a process and a socket a call. This one is
for measuring: it answers in microseconds, can make items when they are asked for (so that a million people need no
memory), and tells whoever listens what each call read and wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, TRANSACTION_CANCELLED, CallError
from tests.support.dynamo_expressions import Condition, condition, statement, updated

Item = dict[str, Any]
Made = Callable[[str, str, str], Item | None]
"""An item that was never stored, by table, partition and sort key: None when there is none."""

_PARTITION = re.compile(r"=\s*(:\w+)")


class FakeDynamo:
    """`Calls` over a dict. Tables come into being with their first item."""

    def __init__(self, made: Made | None = None) -> None:
        self._partitions: dict[tuple[str, str], dict[str, Item]] = {}
        self._lists: dict[tuple[str, str], dict[tuple[str, str], Item]] = {}
        self._deleted: set[tuple[str, str, str]] = set()
        self._made = made

    # --- what a listener overrides --------------------------------------------------------------

    def called(self, operation: str, payload: Mapping[str, Any]) -> None:
        """A request has come."""

    def was_read(self, table: str, items: list[Item], *, consistent: bool) -> None:
        """Items were read by key, or by one page of a query."""

    def was_written(self, what: str, table: str, before: Item | None, after: Item | None, factor: int) -> None:
        """An item was written, or its condition was refused (`after` is then what `before` is)."""

    # --- the interface ---------------------------------------------------------------------------

    def __call__(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        self.called(operation, payload)
        answer: dict[str, Any] = getattr(self, f"_{operation}")(payload)
        return answer

    def find(self, table: str, pk: str, sk: str) -> Item | None:
        """An item, uncounted."""
        kept = self._partitions.get((table, pk))
        if kept is not None and sk in kept:
            return kept[sk]
        if self._made is None or (table, pk, sk) in self._deleted:
            return None
        return self._made(table, pk, sk)

    def put(self, table: str, item: Item) -> None:
        """Store an item, uncounted."""
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        before = self._partitions.get((table, pk), {}).get(sk)
        if before is not None and "gsi1pk" in before:
            self._lists[table, before["gsi1pk"]["S"]].pop((pk, sk), None)
        self._partitions.setdefault((table, pk), {})[sk] = item
        if "gsi1pk" in item:
            self._lists.setdefault((table, item["gsi1pk"]["S"]), {})[pk, sk] = item

    def forget(self, table: str, pk: str) -> None:
        """Drop a partition as if it had never been written."""
        self._partitions.pop((table, pk), None)

    def remove(self, table: str, pk: str, sk: str) -> None:
        """Delete an item, uncounted."""
        before = self._partitions.get((table, pk), {}).pop(sk, None)
        if before is not None and "gsi1pk" in before:
            self._lists[table, before["gsi1pk"]["S"]].pop((pk, sk), None)
        if self._made is not None:
            self._deleted.add((table, pk, sk))

    # --- reads ------------------------------------------------------------------------------------

    def _GetItem(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        item = self._by_key(payload)
        found = [item] if item is not None else []
        self.was_read(payload["TableName"], found, consistent=payload.get("ConsistentRead", False))
        return {"Item": item} if item is not None else {}

    def _BatchGetItem(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        responses: dict[str, list[Item]] = {}
        for table, wanted in payload["RequestItems"].items():
            each = [self.find(table, key["pk"]["S"], key["sk"]["S"]) for key in wanted["Keys"]]
            for item in each:
                found = [item] if item is not None else []
                self.was_read(table, found, consistent=wanted.get("ConsistentRead", False))
            responses[table] = [item for item in each if item is not None]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _Query(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        table, index = payload["TableName"], payload.get("IndexName", "")
        names = (f"{index}pk", f"{index}sk") if index else ("pk", "sk")
        test = _test(payload, "KeyConditionExpression")
        rows = sorted(self._rows(table, payload, index), key=lambda item: item[names[1]]["S"])
        rows = [item for item in rows if test(item)]
        if not payload.get("ScanIndexForward", True):
            rows.reverse()
        start = payload.get("ExclusiveStartKey")
        if start is not None:
            place = [(item["pk"]["S"], item["sk"]["S"]) for item in rows].index((start["pk"]["S"], start["sk"]["S"]))
            rows = rows[place + 1 :]
        page = rows[: payload.get("Limit", 1000)]
        self.was_read(table, page, consistent=payload.get("ConsistentRead", False))
        kept = page if "FilterExpression" not in payload else [i for i in page if _test(payload, "FilterExpression")(i)]
        answer: dict[str, Any] = {"Items": kept, "Count": len(kept), "ScannedCount": len(page)}
        if len(page) < len(rows):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in {"pk", "sk", *names}}
        return answer

    def _DescribeTable(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"Table": {"TableName": payload["TableName"], "TableId": "one", "TableStatus": "ACTIVE"}}

    def _rows(self, table: str, payload: Mapping[str, Any], index: str) -> list[Item]:
        named = _PARTITION.search(payload["KeyConditionExpression"])
        if named is None:
            raise ValueError("a query names its partition first")
        pk = payload["ExpressionAttributeValues"][named[1]]["S"]
        return list(
            self._lists.get((table, pk), {}).values() if index else self._partitions.get((table, pk), {}).values()
        )

    # --- writes -----------------------------------------------------------------------------------

    def _by_key(self, payload: Mapping[str, Any]) -> Item | None:
        key = payload.get("Item") or payload["Key"]
        return self.find(payload["TableName"], key["pk"]["S"], key["sk"]["S"])

    def _PutItem(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return self._written("PutItem", payload, lambda _before: dict(payload["Item"]))

    def _UpdateItem(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return self._written("UpdateItem", payload, lambda before: _after_update(payload, before))

    def _DeleteItem(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return self._written("DeleteItem", payload, lambda _before: None)

    def _written(
        self, what: str, payload: Mapping[str, Any], change: Callable[[Item | None], Item | None]
    ) -> dict[str, Any]:
        table, before = payload["TableName"], self._by_key(payload)
        if not _test(payload, "ConditionExpression")(before or {}):
            self.was_written(what, table, before, before, 1)
            old = {"Item": before} if before and "ReturnValuesOnConditionCheckFailure" in payload else {}
            raise CallError(CONDITION_FAILED, "The conditional request failed", old)
        after = change(before)
        self.was_written(what, table, before, after, 1)
        self._store(payload, after)
        return _returned(payload.get("ReturnValues", "NONE"), before, after, payload)

    def _store(self, payload: Mapping[str, Any], after: Item | None) -> None:
        key = payload.get("Item") or payload["Key"]
        if after is None:
            self.remove(payload["TableName"], key["pk"]["S"], key["sk"]["S"])
        else:
            self.put(payload["TableName"], after)

    def _BatchWriteItem(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        for table, requests in payload["RequestItems"].items():
            for request in requests:
                ((kind, body),) = request.items()
                call = self._PutItem if kind == "PutRequest" else self._DeleteItem
                call({"TableName": table, **body})
        return {"UnprocessedItems": {}}

    def _TransactWriteItems(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        actions = [next(iter(action.items())) for action in payload["TransactItems"]]
        befores = [self._by_key(body) for _, body in actions]
        fine = [_test(body, "ConditionExpression")(b or {}) for (_, body), b in zip(actions, befores, strict=True)]
        for (kind, body), before in zip(actions, befores, strict=True):
            after = before if not all(fine) or kind == "ConditionCheck" else _after_action(kind, body, before)
            self.was_written("TransactWriteItems", body["TableName"], before, after, 2)
            if all(fine) and kind != "ConditionCheck":
                self._store(body, after)
        if not all(fine):
            reasons = [{"Code": "None"} if ok else {"Code": "ConditionalCheckFailed"} for ok in fine]
            raise CallError(TRANSACTION_CANCELLED, "Transaction cancelled", {"CancellationReasons": reasons})
        return {}

    # --- statements -------------------------------------------------------------------------------

    def _ExecuteStatement(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        code, item, returned = self._run(payload)
        if code:
            name = "DuplicateItemException" if code == "DuplicateItem" else CONDITION_FAILED
            raise CallError(name, "refused", {"Item": item} if item else {})
        return {"Items": [returned]} if returned else {"Items": []}

    def _BatchExecuteStatement(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"Responses": [_response(*self._run(one)[:2]) for one in payload["Statements"]]}

    def _run(self, request: Mapping[str, Any]) -> tuple[str, Item | None, Item | None]:
        parsed = statement(request["Statement"])
        values = request["Parameters"]
        pk, sk = parsed.place(values)
        before = self.find(parsed.table, pk, sk)
        refused = before is not None if parsed.inserts else before is None or not parsed.allows(before, values)
        if refused:
            self.was_written(request["Statement"], parsed.table, before, before, 1)
            told = before if "ReturnValuesOnConditionCheckFailure" in request else None
            return "DuplicateItem" if parsed.inserts else "ConditionalCheckFailed", told, None
        after = {**(before or {}), **parsed.changes(values)}
        self.was_written(request["Statement"], parsed.table, before, after, 1)
        self.put(parsed.table, after)
        return "", None, after if parsed.returns else None


def _response(code: str, item: Item | None) -> dict[str, Any]:
    if not code:
        return {}
    error: dict[str, Any] = {"Code": code, "Message": "refused"}
    return {"Error": error | ({"Item": item} if item else {})}


def _test(payload: Mapping[str, Any], name: str) -> Callable[[Item], bool]:
    text = payload.get(name)
    if text is None:
        return lambda _item: True
    test: Condition = condition(text)
    names, values = payload.get("ExpressionAttributeNames", {}), payload.get("ExpressionAttributeValues", {})
    return lambda item: test(item, names, values)


def _after_update(payload: Mapping[str, Any], before: Item | None) -> Item:
    names, values = payload.get("ExpressionAttributeNames", {}), payload.get("ExpressionAttributeValues", {})
    return updated(payload["UpdateExpression"], before or dict(payload["Key"]), names, values)


def _after_action(kind: str, body: Mapping[str, Any], before: Item | None) -> Item | None:
    if kind == "Put":
        return dict(body["Item"])
    return None if kind == "Delete" else _after_update(body, before)


def _returned(which: str, before: Item | None, after: Item | None, payload: Mapping[str, Any]) -> dict[str, Any]:
    if which == "ALL_NEW" and after is not None:
        return {"Attributes": after}
    if which == "UPDATED_NEW" and after is not None:
        return {"Attributes": {name: value for name, value in after.items() if (before or {}).get(name) != value}}
    return {"Attributes": before} if which == "ALL_OLD" and before is not None else {}


def items_of(fake: FakeDynamo, table: str) -> Iterator[Item]:
    """Every stored item of a table."""
    for (name, _), rows in fake._partitions.items():
        if name == table:
            yield from rows.values()
