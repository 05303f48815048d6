"""The seal of the tables: each holds the identity that DynamoDB gave it. A restored table is another table.

A restore, in place or not, always makes a new table with an id of its own, while the item that comes back with the data
still names the old one. Nobody has to remember to say that something was restored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CallError, Calls, answered
from meghdoot.adapters.dynamodb.names import PK, SHAPE, SK, Sealed
from meghdoot.adapters.dynamodb.typed import typed_item
from meghdoot.areas.messaging.holding import SealState
from meghdoot.kernel.clock import Clock

FRESH = timedelta(seconds=60)
TRUSTED = timedelta(minutes=10)
"""While DynamoDB does not answer, the last good answer counts for this long."""


class DynamoSeal:
    """Over the tables that come back from a backup. One read and one description a table and minute."""

    def __init__(self, calls: Calls, tables: Sequence[str], clock: Clock) -> None:
        self._calls = calls
        self._tables = tuple(tables)
        self._clock = clock
        self._good_until: tuple[datetime, datetime] | None = None
        self._created: dict[str, datetime] = {}

    def intact(self) -> bool:
        now = self._clock.now()
        if self._good_until is not None and now < self._good_until[0]:
            return True
        try:
            good = self.state() == "intact"
        except CallError:
            # Fail closed, but not because a description was throttled once.
            return self._good_until is not None and now < self._good_until[1]
        self._good_until = (now + FRESH, now + TRUSTED) if good else None
        return good

    def since(self) -> datetime | None:
        return max(self._created.values(), default=None)

    def state(self) -> SealState:
        """What the tables say now. Raises CallError when one cannot be described or read."""
        found = {self._compared(table) for table in self._tables}
        if "foreign" in found:
            return "foreign"
        return "missing" if "missing" in found else "intact"

    def renew(self) -> None:
        """Write each table's own identity into it. Raises Throttled, Unavailable."""
        for table in self._tables:
            with answered():
                item = _KEY | {SHAPE: 1, Sealed.table_id: self._identity(table)}
                self._calls("PutItem", {"TableName": table, "Item": typed_item(item)})

    def _compared(self, table: str) -> SealState:
        request = {"TableName": table, "Key": typed_item(_KEY), "ConsistentRead": True}
        item = self._calls("GetItem", request).get("Item")
        if not item:
            return "missing"
        return "intact" if item[Sealed.table_id]["S"] == self._identity(table) else "foreign"

    def _identity(self, table: str) -> str:
        described: dict[str, Any] = self._calls("DescribeTable", {"TableName": table})["Table"]
        created = described["CreationDateTime"]
        at = created if isinstance(created, datetime) else datetime.fromtimestamp(float(created), UTC)
        self._created[table] = at
        # A substrate without ids: the instant of creation tells tables of one name apart.
        return str(described.get("TableId") or f"created:{at.timestamp()}")


_KEY: dict[str, Any] = {PK: keys.SEAL_PK, SK: keys.SEAL_PK}
