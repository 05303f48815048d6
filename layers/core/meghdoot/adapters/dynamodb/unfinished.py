"""The runs that are not over, found by a walk over the whole table `definitions`: after a restore, lists cannot be trusted.

The list of live runs is in the table `work`, which no backup holds; a run that is over since the backup is not on it, and
is live again in the restored table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from meghdoot.adapters.codec import from_plain
from meghdoot.adapters.dynamodb.calls import Calls, answered
from meghdoot.adapters.dynamodb.names import Document
from meghdoot.areas.messaging.model import Run

_OVER = ("done", "cancelled")


class DynamoUnfinishedRuns:
    """Reads every item once; costs half a unit for each 4 KB of the table."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def unfinished(self) -> Iterator[Run]:
        scan: dict[str, Any] = {
            "TableName": self._table,
            "FilterExpression": "#kind = :run",
            "ExpressionAttributeNames": {"#kind": Document.kind},
            "ExpressionAttributeValues": {":run": {"S": "run"}},
        }
        while True:
            with answered():
                page = self._calls("Scan", scan)
            for item in page.get("Items", []):
                run = from_plain(Run, json.loads(item[Document.data]["S"]))
                if run.status not in _OVER:
                    yield run
            if "LastEvaluatedKey" not in page:
                return
            scan["ExclusiveStartKey"] = page["LastEvaluatedKey"]
