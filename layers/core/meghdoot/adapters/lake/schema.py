"""The lake's tables: columns by kind, as DuckDB reads them from JSON lines and writes them to Parquet.

Instants are whole milliseconds since 1970, days are ordinals. No address, phone or name of a person stands here.
`slot` is the 64-bit hash of which a slice of an audience is the remainder (`kernel.assign.bucket`).
"""

from __future__ import annotations

CUSTOMERS = {
    "id": "VARCHAR", "version": "BIGINT", "slot": "UBIGINT", "language": "VARCHAR", "city": "VARCHAR",
    "country": "VARCHAR", "gender": "VARCHAR", "zone": "VARCHAR", "tags": "VARCHAR[]", "is_active": "BOOLEAN",
    "has_email": "BOOLEAN", "has_phone": "BOOLEAN", "birth_day": "INTEGER", "created_ms": "BIGINT",
    "attr_text": "MAP(VARCHAR, VARCHAR)", "attr_number": "MAP(VARCHAR, DOUBLE)",
    "attr_boolean": "MAP(VARCHAR, BOOLEAN)", "attr_day": "MAP(VARCHAR, INTEGER)",
}  # fmt: skip
EVENTS = {
    "id": "VARCHAR", "customer_id": "VARCHAR", "type": "VARCHAR", "at_ms": "BIGINT", "amount_minor": "BIGINT",
    "currency": "VARCHAR", "order_id": "VARCHAR",
}  # fmt: skip
SENDS = {
    "send_key": "VARCHAR", "customer_id": "VARCHAR", "run_id": "VARCHAR", "state": "VARCHAR", "rank": "INTEGER",
    "at_ms": "BIGINT", "delivered_ms": "BIGINT",
}  # fmt: skip
TOUCHES = {
    "send_key": "VARCHAR", "customer_id": "VARCHAR", "run_id": "VARCHAR", "kind": "VARCHAR", "link": "INTEGER",
    "at_ms": "BIGINT",
}  # fmt: skip
TOMBSTONES = {"id": "VARCHAR"}

KINDS: dict[str, dict[str, str]] = {
    "customers": CUSTOMERS, "events": EVENTS, "sends": SENDS, "touches": TOUCHES, "tombstones": TOMBSTONES,
}  # fmt: skip


def json_columns(kind: str) -> str:
    """The `columns` argument of read_json: fixed types, so that nothing is guessed from the data."""
    return "{" + ", ".join(f"'{name}': '{type_}'" for name, type_ in KINDS[kind].items()) + "}"


def columns(kind: str, prefix: str = "") -> str:
    """The column names, separated by commas."""
    return ", ".join(f"{prefix}{name}" for name in KINDS[kind])
