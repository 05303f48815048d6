"""The statements of single messages: the row is inserted, changed by whoever read it last, or by the token's holder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.send_statements import KEPT_SECONDS, insert, number, text
from meghdoot.adapters.dynamodb.statements import Statement, Value
from meghdoot.areas.messaging.model import RANKS
from meghdoot.areas.messaging.singles.model import Single, SingleRow
from meghdoot.areas.messaging.singles.rules import key_of, minute_of
from meghdoot.kernel.clock import iso, parse_iso

_CHANGED = ("st", "rk", "at", "tok", "att", "dbt", "lease", "md", "mh", "kid", "pa", "nb", "d", "why", "pv", "pid")
_SET = "SET " + ", ".join(f'"{name}"=?' for name in _CHANGED)
UPDATE = f'UPDATE "{{table}}" {_SET} WHERE "pk"=? AND "sk"=? '
CLAIM_ROW = UPDATE + 'AND "tok"=? AND "rk"=?'
RECORD_ROW = UPDATE + 'AND "tok"=? AND "rk"<?'
_EXPRESSION = "SET " + ", ".join(f"#{name} = :{name}" for name in _CHANGED)
_NAMES = {f"#{name}": name for name in _CHANGED}


def row_key(single: Single) -> tuple[str, str]:
    """Where a message's row lies: among the send rows of its customer."""
    return keys.customer_pk(single.tenant, single.customer_id), keys.send_sk(minute_of(single), key_of(single))


def _attributes(row: SingleRow) -> dict[str, Value]:
    return {
        "st": text(row.state),
        "rk": number(row.rank),
        "at": text(iso(row.at)),
        "tok": text(row.token),
        "att": number(row.attempt),
        "dbt": number(row.doubts),
        "lease": number(row.lease_until),
        "md": number(row.mailed_at),
        "mh": text(row.mail_hash or ""),
        "kid": text(row.key_id or ""),
        "pa": number(row.parked_at),
        "nb": number(row.not_before),
        "d": number(int(row.settled)),
        "why": text(row.reason or ""),
        "pv": text(row.provider or ""),
        "pid": text(row.provider_id or ""),
    }


def insert_row(table: str, single: Single, row: SingleRow) -> Statement:
    """The first claim: put the row where nothing is."""
    pk, sk = row_key(single)
    item = {
        "pk": text(pk), "sk": text(sk), "s": number(1), "run": text(single.composition_id), "msg": text(single.id),
        **_attributes(row), "ttl": number(int(row.at.timestamp()) + KEPT_SECONDS),
    }  # fmt: skip
    return insert(table, item)


def claim_row(table: str, single: Single, row: SingleRow, seen: SingleRow) -> Statement:
    """Change the row where token and rank are as they were seen."""
    terms = "#tok = :seen AND #rk = :rank"
    return _update(table, single, row, CLAIM_ROW, terms, {":seen": text(seen.token), ":rank": number(seen.rank)})


def record_row(table: str, single: Single, row: SingleRow) -> Statement:
    """Change the row where the token is ours and the provider has not spoken."""
    terms, accepted = "#tok = :seen AND #rk < :rank", number(RANKS["accepted"])
    return _update(table, single, row, RECORD_ROW, terms, {":seen": text(row.token), ":rank": accepted})


def _update(
    table: str, single: Single, row: SingleRow, statement: str, terms: str, held: dict[str, Value]
) -> Statement:
    pk, sk = (text(part) for part in row_key(single))
    values = _attributes(row)
    return Statement(
        statement.replace("{table}", table),
        (*values.values(), pk, sk, held[":seen"], held[":rank"]),
        "UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": pk, "sk": sk},
            "UpdateExpression": _EXPRESSION,
            "ConditionExpression": terms,
            "ExpressionAttributeNames": _NAMES,
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()} | held,
        },
    )


def row_of_item(item: Mapping[str, Any]) -> SingleRow:
    """A stored row; one that the provider's word gave birth to has no owner."""

    def count(name: str) -> int:
        return int(item.get(name, {}).get("N", 0))

    def words(name: str) -> str | None:
        return item.get(name, {}).get("S") or None

    return SingleRow(
        state=item["st"]["S"],
        at=parse_iso(item["at"]["S"]),
        token=words("tok") or "",
        attempt=count("att"),
        doubts=count("dbt"),
        lease_until=count("lease"),
        mailed_at=count("md"),
        mail_hash=words("mh"),
        key_id=words("kid"),
        parked_at=count("pa"),
        not_before=count("nb"),
        settled=bool(count("d")),
        reason=words("why"),
        provider=words("pv"),
        provider_id=words("pid"),
        heard_attempt=count("ha") or None,
    )
