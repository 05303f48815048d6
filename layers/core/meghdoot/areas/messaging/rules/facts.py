"""What a provider's words amount to. The state of a send is the maximum of its facts, whatever their order."""

from __future__ import annotations

import re
from collections.abc import Iterable

from meghdoot.areas.consent.model import Channel, SuppressionReason
from meghdoot.areas.messaging.model import RANKS, Fact, FactType, SendRow, State
from meghdoot.areas.messaging.rules.keys import send_key

STATE_OF: dict[FactType, State] = {
    "accepted": "accepted", "deferred": "accepted", "delivered": "delivered", "bounced": "bounced",
    "rejected": "bounced", "complained": "complained",
}  # fmt: skip
"""A mail that the provider took and then found bad came back, as far as its sender is concerned."""

_MINUTE = re.compile(r"[0-9]{12}")
_RECORD_ONLY = frozenset({"not-spam"})


def row_of(fact: Fact, channel: Channel) -> SendRow | None:
    """The send row that a fact speaks of; None when it names no send of ours, or one that it makes up."""
    if not (fact.tenant and fact.run_id and fact.customer_id and fact.send_key and fact.minute):
        return None
    if not _MINUTE.fullmatch(fact.minute):
        return None
    single = fact.message_id is not None
    if not single and (fact.chunk is None or fact.index is None):
        return None
    # The cause of a single message is the message itself; its run is what it is composed of.
    if fact.send_key != send_key(fact.message_id or fact.run_id, channel, fact.customer_id):
        return None
    state = STATE_OF[fact.type]
    if fact.type == "complained" and fact.subtype in _RECORD_ONLY:
        state = "delivered"
    return SendRow(
        tenant=fact.tenant,
        customer_id=fact.customer_id,
        send_key=fact.send_key,
        minute=fact.minute,
        state=state,
        run_id=fact.run_id,
        chunk=None if single else fact.chunk,
        index=None if single else fact.index,
        at=fact.at,
        provider=fact.provider,
        provider_id=fact.provider_id,
        reason=fact.reason,
        mail_hash=fact.mail_hash,
        mailed_at=fact.mailed_at,
        key_id=fact.key_id,
        message_id=fact.message_id,
        attempt=fact.attempt if single else None,
    )


def suppression_of(fact: Fact) -> SuppressionReason | None:
    """Why the address of a fact must not be written to again; None when it may."""
    if fact.type == "complained":
        return None if fact.subtype in _RECORD_ONLY else "complaint"
    if fact.type == "bounced" and fact.subtype in ("hard", "suppressed"):
        return "hard_bounce"
    return None


def highest(rows: Iterable[SendRow]) -> list[SendRow]:
    """One row a send: that of the highest state, of the earliest among equals."""
    best: dict[tuple[str, str], SendRow] = {}
    for row in rows:
        key = (row.tenant, row.send_key)
        if key not in best or _order(row) > _order(best[key]):
            best[key] = row
    return list(best.values())


def _order(row: SendRow) -> tuple[int, float]:
    return RANKS[row.state], -row.at.timestamp()
