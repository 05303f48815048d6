"""Whether one person may be sent one run's message now, and what the claim must write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from meghdoot.areas.consent.model import CHANNEL_CODES, ContactGate, gate_code
from meghdoot.areas.messaging.model import ClaimRequest, Recipient, Run, SkipReason
from meghdoot.areas.messaging.rules import counted
from meghdoot.areas.messaging.rules.counted import Counted
from meghdoot.areas.messaging.rules.keys import gate_key, send_key

DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Decision:
    """claim: count the key, then send. touch: counted by this chunk before, hold consent again, then send.

    free: send without a claim, since no cap and no consent applies (transactional). skip: never send, `reason` says why.
    """

    kind: Literal["claim", "touch", "free", "skip"]
    reason: SkipReason | None = None
    counted: str = ""
    """The gate's text of counted keys after the claim."""


def decide(recipient: Recipient, gate: ContactGate | None, run: Run, chunk: int, now: datetime) -> Decision:
    """The decision for a person whose gate was read. A missing gate means that the person was erased."""
    reason = exclusion(recipient, gate, run, now)
    if reason is not None:
        return Decision("skip", reason)
    if gate is None or run.purpose == "transactional":
        return Decision("free")
    return _within_caps(recipient, gate, run, chunk, now)


def exclusion(recipient: Recipient, gate: ContactGate | None, run: Run, now: datetime) -> SkipReason | None:
    """What excludes a person whatever was sent before; None when nothing does. Planning asks the same."""
    if recipient.skip is not None:
        return recipient.skip
    if now >= run.stale_after:
        return "stale"
    if gate is None:
        return "erased"
    if not recipient.address:
        return "no_address"
    if CHANNEL_CODES[run.channel] in gate.suppressed:
        return "suppressed"
    if run.purpose == "marketing" and gate_code(run.channel, run.purpose) not in gate.granted:
        return "no_consent"
    return None


def claim_request(run: Run, gate: ContactGate, decision: Decision) -> ClaimRequest:
    """The claim that a decision asks for."""
    code = gate_code(run.channel, run.purpose)
    return ClaimRequest(run.tenant, gate.customer_id, gate.version, code, decision.counted)


def _within_caps(recipient: Recipient, gate: ContactGate, run: Run, chunk: int, now: datetime) -> Decision:
    key = gate_key(send_key(run.id, run.channel, recipient.customer_id))
    entries = counted.parse(gate.counted)
    for entry in entries:
        if entry.key == key:
            return Decision("touch", counted=gate.counted) if entry.chunk == chunk else Decision("skip", "duplicate")
    kept = counted.prune(entries, now)
    if _capped(kept, gate.zone or recipient.zone or DEFAULT_ZONE, run, now):
        return Decision("skip", "capped")
    return Decision("claim", counted=counted.write((*kept, Counted(key, counted.minute_of(now), chunk))))


def _capped(entries: tuple[Counted, ...], zone: str, run: Run, now: datetime) -> bool:
    if run.daily_cap is not None and counted.on_local_day(entries, now, zone) >= run.daily_cap:
        return True
    if run.weekly_cap is not None and counted.in_rolling_week(entries, now) >= run.weekly_cap:
        return True
    # No entry within the horizon may be forgotten, so a full gate is a cap of its own.
    return len(entries) >= counted.MAX_ENTRIES
