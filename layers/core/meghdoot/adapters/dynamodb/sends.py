"""Send rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import sleep
from typing import Any

from meghdoot.adapters.dynamodb import send_statements
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import Calls
from meghdoot.adapters.dynamodb.keys import customer_pk, send_sk
from meghdoot.adapters.dynamodb.statements import Statements
from meghdoot.areas.messaging.model import SendRow
from meghdoot.kernel.clock import parse_iso


class DynamoSendRows:
    """Rows in the table `activity`, by customer."""

    def __init__(
        self,
        calls: Calls,
        table: str,
        *,
        as_items: bool = False,
        consistent: bool = True,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        """`consistent` is for those who decide by what they read; who only looks need not pay twice for it."""
        self._calls = calls
        self._consistent = consistent
        self._table = table
        self._pause = pause
        self._statements = Statements(calls, as_items, pause)

    def born(self, rows: Sequence[SendRow]) -> list[bool]:
        results = self._statements.run([send_statements.born(self._table, row) for row in rows])
        return [result.applied for result in results]

    def climb(self, row: SendRow) -> bool:
        raised = send_statements.climb_single if row.message_id else send_statements.climb
        return self._statements.run([raised(self._table, row)])[0].applied

    def get_many(self, tenant: str, keys: Sequence[tuple[str, str, str]]) -> dict[str, SendRow]:
        wanted = [(customer_pk(tenant, customer), send_sk(minute, key)) for customer, minute, key in keys]
        items = batch_get(self._calls, self._table, wanted, self._pause, consistent=self._consistent)
        return {row.send_key: row for row in (_row(tenant, item) for item in items)}


def _row(tenant: str, item: Mapping[str, Any]) -> SendRow:
    _, minute, key = item["sk"]["S"].split("#")
    return SendRow(
        tenant=tenant,
        customer_id=item["pk"]["S"].removeprefix(customer_pk(tenant, "")),
        send_key=key,
        minute=minute,
        state=item["st"]["S"],
        run_id=item["run"]["S"],
        chunk=int(item["ch"]["N"]) if "ch" in item else None,
        index=int(item["i"]["N"]) if "i" in item else None,
        at=parse_iso(item["at"]["S"]),
        provider=item["pv"]["S"],
        provider_id=item.get("pid", {}).get("S") or None,
        reason=item.get("why", {}).get("S") or None,
        message_id=item.get("msg", {}).get("S"),
        attempt=int(item.get("ha", {}).get("N", 0)) or None,
        mail_hash=item.get("mh", {}).get("S") or None,
        mailed_at=int(item["md"]["N"]) if "md" in item else None,
        key_id=item.get("kid", {}).get("S") or None,
    )
