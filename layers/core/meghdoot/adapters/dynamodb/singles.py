"""Single messages in the table `activity`: the message, its content for a while, and the row among its customer's rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from time import sleep
from typing import Any

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys, single_statements
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import TRANSACTION_CANCELLED, CallError, Calls, answered
from meghdoot.adapters.dynamodb.names import Document
from meghdoot.adapters.dynamodb.statements import Statements
from meghdoot.adapters.dynamodb.typed import typed_item
from meghdoot.areas.messaging.singles.model import Single, SingleRef, SingleRow
from meghdoot.kernel.errors import Unavailable

MESSAGE, CONTENT, COMPOSITION = "MESSAGE", "CONTENT", "COMPOSITION"
_REFUSED = "ConditionalCheckFailed"
_DOC = Document.data


class DynamoSingles:
    """Two items a message: one that stays, and its address and fields, which go by their time to live."""

    def __init__(self, calls: Calls, table: str, pause: Callable[[float], None] = sleep) -> None:
        self._calls = calls
        self._table = table
        self._pause = pause

    def add(self, single: Single, content_until: datetime) -> Single | None:
        content = {"address": single.address, "fields": dict(single.fields)}
        stays = to_plain(replace(single, address=None, fields={}))
        puts = [
            self._put(single, MESSAGE, stays, None),
            self._put(single, CONTENT, content, int(content_until.timestamp())),
        ]
        with answered():
            try:
                self._calls("TransactWriteItems", {"TransactItems": puts})
            except CallError as e:
                if e.code != TRANSACTION_CANCELLED or _REFUSED not in e.reasons:
                    raise
            else:
                return None
        stored = self.get(single.ref)
        if stored is None:
            raise Unavailable("the database does not answer")
        return stored

    def _put(self, single: Single, sk: str, document: Mapping[str, Any], ttl: int | None) -> dict[str, Any]:
        item = typed_item({
            "pk": keys.message_pk(single.tenant, single.id), "sk": sk, "s": 1,
            Document.tenant: single.tenant, Document.kind: sk.lower(),
            Document.version: 1, _DOC: json.dumps(document, ensure_ascii=False), "ttl": ttl,
        })  # fmt: skip
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}

    def get(self, ref: SingleRef) -> Single | None:
        pk = keys.message_pk(ref.tenant, ref.message_id)
        found = batch_get(self._calls, self._table, [(pk, MESSAGE), (pk, CONTENT)], self._pause)
        documents = {item["sk"]["S"]: json.loads(item[_DOC]["S"]) for item in found}
        if MESSAGE not in documents:
            return None
        return from_plain(Single, documents[MESSAGE] | documents.get(CONTENT, {}))


class DynamoSingleRows:
    """The rows as their sender writes them; `DynamoSendRows` raises the same items by the provider's word."""

    def __init__(
        self, calls: Calls, table: str, *, as_items: bool = False, pause: Callable[[float], None] = sleep
    ) -> None:
        self._calls = calls
        self._table = table
        self._pause = pause
        self._statements = Statements(calls, as_items, pause)

    def get(self, single: Single) -> SingleRow | None:
        found = list(batch_get(self._calls, self._table, [single_statements.row_key(single)], self._pause))
        return single_statements.row_of_item(found[0]) if found else None

    def claim(self, single: Single, row: SingleRow, seen: SingleRow | None) -> bool:
        if seen is None:
            statement = single_statements.insert_row(self._table, single, row)
        else:
            statement = single_statements.claim_row(self._table, single, row, seen)
        return self._statements.run([statement])[0].applied or self._is_ours(single, row)

    def record(self, single: Single, row: SingleRow) -> bool:
        statement = single_statements.record_row(self._table, single, row)
        return self._statements.run([statement])[0].applied or self._is_ours(single, row)

    def _is_ours(self, single: Single, row: SingleRow) -> bool:
        """Whether what stands there is what we wrote, with an answer that was lost."""
        stored = self.get(single)
        return stored is not None and (stored.token, stored.rank, stored.attempt) == (row.token, row.rank, row.attempt)
