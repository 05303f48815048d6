"""CLAIM, TAKE, MARK, LIFT, BORN and CLIMB, by name."""

from __future__ import annotations

from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.statements import Statement, Value
from meghdoot.areas.messaging.model import RANKS, Chunk, ChunkRef, ClaimRequest, SendRow
from meghdoot.kernel.clock import iso

GATE, CHUNK = "GATE", "CHUNK"

_TABLE = "{table}"
CLAIM = 'UPDATE "{table}" SET "k"=?, "v"=? WHERE "pk"=? AND "sk"=\'GATE\' AND "v"=? AND contains("c",?)'
TAKE = (
    'UPDATE "{table}" SET "tok"=?, "lease"=? WHERE "pk"=? AND "sk"=\'CHUNK\' AND "tok"=? AND "d"=0 RETURNING ALL NEW *'
)
MARK = 'UPDATE "{table}" SET "r"=?, "d"=?, "lease"=?, "pa"=?, "q"=? WHERE "pk"=? AND "sk"=\'CHUNK\' AND "tok"=? AND "lease">0'
LIFT = 'UPDATE "{table}" SET "r"=?, "d"=? WHERE "pk"=? AND "sk"=\'CHUNK\' AND "r"=? AND "lease"=0'
QUEUED = 'UPDATE "{table}" SET "q"=? WHERE "pk"=? AND "sk"=\'CHUNK\' AND "tok"=? AND "q"=?'
INSERT = 'INSERT INTO "{table}" VALUE '
CLIMB = 'UPDATE "{table}" SET "st"=?, "rk"=?, "at"=?, "why"=? WHERE "pk"=? AND "sk"=? AND "rk"<?'
CLIMB_SINGLE = 'UPDATE "{table}" SET "st"=?, "rk"=?, "at"=?, "why"=?, "ha"=? WHERE "pk"=? AND "sk"=? AND "rk"<?'
_RETURN = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
KEPT_SECONDS = 396 * 86_400
"""13 months."""


def text(value: str) -> Value:
    """A text attribute."""
    return {"S": value}


def number(value: int) -> Value:
    """A number attribute."""
    return {"N": str(value)}


def claim(table: str, request: ClaimRequest) -> Statement:
    """Count a key in a gate where its version is as read and the code is still granted.

    A suppressed channel has lost its grants, so the code alone says both. The code stands beside the version for a
    writer who takes a grant away and forgets to raise the version.
    """
    pk, version = text(keys.customer_pk(request.tenant, request.customer_id)), number(request.expected_version)
    counted, raised, code = text(request.counted), number(request.expected_version + 1), text(request.code)
    return Statement(
        CLAIM.replace(_TABLE, table),
        (counted, raised, pk, version, code),
        "UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": pk, "sk": text(GATE)},
            "UpdateExpression": "SET #k = :k, #v = :raised",
            "ConditionExpression": "#v = :v AND contains(#c, :code)",
            "ExpressionAttributeNames": {"#k": "k", "#v": "v", "#c": "c"},
            "ExpressionAttributeValues": {":k": counted, ":raised": raised, ":v": version, ":code": code},
            **_RETURN,
        },
    )


def take(table: str, chunk: Chunk, token: str, lease_until: int) -> Statement:
    """Become the owner of a chunk where the token is still the one that was read and work is left."""
    pk, mine, lease, read = _pk(chunk.ref), text(token), number(lease_until), text(chunk.token)
    return Statement(
        TAKE.replace(_TABLE, table),
        (mine, lease, pk, read),
        "UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": pk, "sk": text(CHUNK)},
            "UpdateExpression": "SET #tok = :mine, #lease = :lease",
            "ConditionExpression": "#tok = :read AND #d = :open",
            "ExpressionAttributeNames": {"#tok": "tok", "#lease": "lease", "#d": "d"},
            "ExpressionAttributeValues": {":mine": mine, ":lease": lease, ":read": read, ":open": number(0)},
            "ReturnValues": "ALL_NEW",
            **_RETURN,
        },
    )


def mark(table: str, chunk: Chunk, lease_until: int) -> Statement:
    """Write the letters where the token is still ours and the chunk was not given back: the fence."""
    pk, token, letters, lease = _pk(chunk.ref), text(chunk.token), text(chunk.letters), number(lease_until)
    done, parked = number(int(not chunk.work_left)), number(chunk.parked_at)
    queued = number(chunk.queued_until)
    return Statement(
        MARK.replace(_TABLE, table),
        (letters, done, lease, parked, queued, pk, token),
        "UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": pk, "sk": text(CHUNK)},
            "UpdateExpression": "SET #r = :r, #d = :d, #lease = :lease, #pa = :pa, #q = :q",
            "ConditionExpression": "#tok = :tok AND #lease > :free",
            "ExpressionAttributeNames": {
                "#r": "r",
                "#d": "d",
                "#lease": "lease",
                "#pa": "pa",
                "#q": "q",
                "#tok": "tok",
            },
            "ExpressionAttributeValues": {
                ":r": letters,
                ":d": done,
                ":lease": lease,
                ":pa": parked,
                ":q": queued,
                ":tok": token,
                ":free": number(0),
            },
            **_RETURN,
        },
    )


def lift(table: str, ref: ChunkRef, expected: str, letters: str, work_left: bool) -> Statement:
    """Change letters of a chunk that was given back, where they are still as expected."""
    pk, was, now, done = _pk(ref), text(expected), text(letters), number(int(not work_left))
    return Statement(
        LIFT.replace(_TABLE, table),
        (now, done, pk, was),
        "UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": pk, "sk": text(CHUNK)},
            "UpdateExpression": "SET #r = :r, #d = :d",
            "ConditionExpression": "#r = :was AND #lease = :free",
            "ExpressionAttributeNames": {"#r": "r", "#d": "d", "#lease": "lease"},
            "ExpressionAttributeValues": {":r": now, ":d": done, ":was": was, ":free": number(0)},
            **_RETURN,
        },
    )


def queued(table: str, chunk: Chunk, until: int) -> Statement:
    """Note that a message is on its way, where nobody has taken the chunk or noted another since it was read."""
    pk, token, before, after = _pk(chunk.ref), text(chunk.token), number(chunk.queued_until), number(until)
    return Statement(
        QUEUED.replace(_TABLE, table),
        (after, pk, token, before),
        "UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": pk, "sk": text(CHUNK)},
            "UpdateExpression": "SET #q = :after",
            "ConditionExpression": "#tok = :tok AND #q = :before",
            "ExpressionAttributeNames": {"#q": "q", "#tok": "tok"},
            "ExpressionAttributeValues": {":after": after, ":tok": token, ":before": before},
            **_RETURN,
        },
    )


def insert(table: str, item: dict[str, Value]) -> Statement:
    """Put an item if it is absent."""
    names = ",".join(f"'{name}':?" for name in item)
    return Statement(
        INSERT.replace(_TABLE, table) + f"{{{names}}}",
        tuple(item.values()),
        "PutItem",
        {
            "TableName": table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": "pk"},
        },
    )


def born(table: str, row: SendRow) -> Statement:
    """Insert a send row."""
    item = {
        "pk": text(keys.customer_pk(row.tenant, row.customer_id)),
        "sk": text(keys.send_sk(row.minute, row.send_key)),
        "s": number(1),
        "st": text(row.state),
        "rk": number(RANKS[row.state]),
        "run": text(row.run_id),
        "at": text(iso(row.at)),
        "pv": text(row.provider),
        "why": text(row.reason or ""),
        "ttl": number(int(row.at.timestamp()) + KEPT_SECONDS),
    }
    item |= _place(row)
    if row.provider_id is not None:
        item["pid"] = text(row.provider_id)
    if row.mail_hash is not None:
        item["mh"] = text(row.mail_hash)
    if row.mailed_at is not None:
        item["md"] = number(row.mailed_at)
    if row.key_id is not None:
        item["kid"] = text(row.key_id)
    return insert(table, item)


def _place(row: SendRow) -> dict[str, Value]:
    """Where in its run a row belongs; a single message has a name of its own and numbers its calls."""
    if row.chunk is not None and row.index is not None:
        return {"ch": number(row.chunk), "i": number(row.index)}
    return {"msg": text(row.message_id or ""), "ha": number(row.attempt or 0)}


def climb_single(table: str, row: SendRow) -> Statement:
    """The same for a single message, with the number of the call that the provider spoke of."""
    plain, heard = climb(table, row), number(row.attempt or 0)
    *before, pk, sk, rank = plain.parameters
    names = {**plain.payload["ExpressionAttributeNames"], "#ha": "ha"}
    values = {**plain.payload["ExpressionAttributeValues"], ":ha": heard}
    return Statement(
        CLIMB_SINGLE.replace(_TABLE, table),
        (*before, heard, pk, sk, rank),
        plain.operation,
        {
            **plain.payload,
            "UpdateExpression": plain.payload["UpdateExpression"] + ", #ha = :ha",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        },
    )


def climb(table: str, row: SendRow) -> Statement:
    """Raise a send row's state where its rank is lower."""
    pk, sk = text(keys.customer_pk(row.tenant, row.customer_id)), text(keys.send_sk(row.minute, row.send_key))
    state, rank, at, why = text(row.state), number(RANKS[row.state]), text(iso(row.at)), text(row.reason or "")
    return Statement(
        CLIMB.replace(_TABLE, table),
        (state, rank, at, why, pk, sk, rank),
        "UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": pk, "sk": sk},
            "UpdateExpression": "SET #st = :st, #rk = :rk, #at = :at, #why = :why",
            "ConditionExpression": "#rk < :rk",
            "ExpressionAttributeNames": {"#st": "st", "#rk": "rk", "#at": "at", "#why": "why"},
            "ExpressionAttributeValues": {":st": state, ":rk": rank, ":at": at, ":why": why},
            **_RETURN,
        },
    )


def chunk_item(chunk: Chunk) -> dict[str, Value]:
    """A new chunk as an item."""
    item = {
        "pk": _pk(chunk.ref),
        "sk": text(CHUNK),
        "s": number(1),
        "r": text(chunk.letters),
        "tok": text(chunk.token),
        "lease": number(chunk.lease_until),
        "d": number(int(not chunk.work_left)),
        "pa": number(chunk.parked_at),
        "q": number(chunk.queued_until),
    }
    if chunk.expires_at:
        item["ttl"] = number(chunk.expires_at)
    return item


def _pk(ref: ChunkRef) -> Value:
    return text(keys.chunk_pk(ref.tenant, ref.run_id, ref.number))
