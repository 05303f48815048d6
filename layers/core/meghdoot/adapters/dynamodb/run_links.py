"""Where the numbered links of a run lead, in the table `definitions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import sleep
from typing import TYPE_CHECKING, Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import Calls, answered
from meghdoot.adapters.dynamodb.names import PK, SHAPE, SK
from meghdoot.adapters.dynamodb.names import Link as LinkNames
from meghdoot.adapters.dynamodb.typed import typed_item
from meghdoot.kernel.errors import Throttled

if TYPE_CHECKING:
    from meghdoot.areas.content.model import Link

_PER_CALL = 25
_ROUNDS = 6
_FIRST_PAUSE = 0.05


class DynamoRunLinks:
    """Links by run and number."""

    def __init__(self, calls: Calls, table: str, pause: Callable[[float], None] = sleep) -> None:
        self._calls = calls
        self._table = table
        self._pause = pause

    def put(self, tenant: str, run_id: str, links: Sequence[Link]) -> None:
        for first in range(0, len(links), _PER_CALL):
            puts = [self._put(tenant, run_id, link) for link in links[first : first + _PER_CALL]]
            self._write(puts)

    def _put(self, tenant: str, run_id: str, link: Link) -> dict[str, Any]:
        key = {PK: keys.run_pk(tenant, run_id), SK: keys.link_sk(link.number)}
        return {"PutRequest": {"Item": typed_item({**key, SHAPE: 1, LinkNames.url: link.url})}}

    def _write(self, puts: list[dict[str, Any]]) -> None:
        for round_ in range(_ROUNDS):
            if round_:
                self._pause(_FIRST_PAUSE * 2**round_)
            with answered():
                answer = self._calls("BatchWriteItem", {"RequestItems": {self._table: puts}})
            puts = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not puts:
                return
        raise Throttled("the database is busy", retry_after=1)

    def get(self, tenant: str, run_id: str, number: int) -> str | None:
        key = {PK: keys.run_pk(tenant, run_id), SK: keys.link_sk(number)}
        with answered():
            answer = self._calls("GetItem", {"TableName": self._table, "Key": typed_item(key)})
        return str(answer["Item"][LinkNames.url]["S"]) if "Item" in answer else None
