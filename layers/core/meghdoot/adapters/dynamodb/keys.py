"""Every partition and sort key of the house, in one place (architecture, section 7).

Every partition key begins with the tenant, but for timers, provider references, leases and the watermark in `work`.
Tenant ids hold no `#`, so no tenant's keys are the beginning of another's.
"""

from __future__ import annotations

from datetime import datetime

CUSTOMER_SHARDS = 16
RECORD_SK = "V"
HOLD_SK = "HOLD"
SOFT_BOUNCES_SK = "SOFT"
SEAL_PK = "SEAL"
"""Definitions, people, activity: the identity of the table itself; no tenant's, since tenants have no capitals."""


def record_pk(tenant: str, kind: str, record_id: str) -> str:
    return f"{tenant}#{kind}#{record_id}"


def record_list_pk(tenant: str, kind: str) -> str:
    return f"{tenant}#{kind}"


def version_sk(number: int) -> str:
    """One version of a record, beside its newest."""
    return f"V#{number}"


def customer_pk(tenant: str, customer_id: str) -> str:
    """People and activity: all about one customer."""
    return f"{tenant}#C#{customer_id}"


def identity_pk(tenant: str, kind: str, key: str) -> str:
    return f"{tenant}#ID#{kind}#{key}"


def customer_list_pk(tenant: str, shard: int) -> str:
    return f"{tenant}#CUSTOMERS#{shard:02d}"


def consent_sk(channel: str, purpose: str, sequence: int | None = None) -> str:
    head = f"CONSENT#{channel}#{purpose}"
    return head if sequence is None else f"{head}#{sequence:06d}"


def unsubscribes_pk(tenant: str, channel: str) -> str:
    """People, gsi1: withdrawals of marketing on a channel, by time."""
    return f"{tenant}#UNSUB#{channel}"


def suppression_pk(tenant: str, address_key: str) -> str:
    return f"{tenant}#X#{address_key}"


def chunk_pk(tenant: str, run_id: str, number: int) -> str:
    """One partition a chunk: 42 writes over its life, and no hot run."""
    return f"{tenant}#R#{run_id}#{number}"


def run_pk(tenant: str, run_id: str) -> str:
    """Definitions: what a run keeps apart from its record, such as its links."""
    return f"{tenant}#R#{run_id}"


def link_sk(number: int) -> str:
    return f"LINK#{number:04d}"


def send_sk(minute: str, send_key: str) -> str:
    return f"SEND#{minute}#{send_key}"


def touch_sk(send_key: str, kind: str, link: int | None = None) -> str:
    return f"TOUCH#{send_key}#{kind}" + ("" if link is None else f"#{link:04d}")


def event_sk(at: str, event_id: str) -> str:
    return f"E#{at}#{event_id}"


def event_dedupe_sk(event_id: str) -> str:
    return f"EID#{event_id}"


def counters_pk(tenant: str, run_id: str) -> str:
    """Work: of a run by day, or (without a run) of the whole tenant by hour."""
    return f"{tenant}#N#R#{run_id}" if run_id else f"{tenant}#N#T"


REPUTATION_MARK_SK = "MARK"


def hold_pk(tenant: str) -> str:
    """Definitions: what keeps the tenant's messages back."""
    return f"{tenant}#HOLD"


def message_pk(tenant: str, message_id: str) -> str:
    """Activity: a single message, by its id."""
    return f"{tenant}#M#{message_id}"


def timer_pk(at: datetime, shard: int, kind: str = "TIMER") -> str:
    """Work: timers of one minute. `kind` parts the launches from the looks at single messages."""
    return f"{kind}#{at:%Y%m%d%H%M}#{shard:02d}"


def timers_low_water_pk(kind: str = "TIMER") -> str:
    """Work: the minute before which no timer is left."""
    return f"{kind}S"


def identity_owner_pk(identity: str) -> str:
    """Work: which tenant owns a sending identity (a provider reference)."""
    return f"P#identity#{identity}"


def live_runs_pk() -> str:
    """Work: runs of all tenants that are not over; two writes in the life of a run."""
    return "LIVE#RUNS"


def evidence_pk(provider: str) -> str:
    return f"EVID#{provider}"


def rate_pk(line: str) -> str:
    """Work: the grant of an account, and who waits for its slots. A line is provider and account."""
    return f"RATE#{line}"


def rate_frame_pk(line: str, rate: float, number: int) -> str:
    """Work: one frame of the slots of an account. Each lives for less than a second, so that none is hot."""
    return f"RATE#{line}#{rate:g}#{number}"


def stall_pk(tenant: str, run_id: str) -> str:
    """Work: why a run waits."""
    return f"{tenant}#STALL#{run_id}"


def idempotency_pk(tenant: str, key: str) -> str:
    return f"{tenant}#IDEM#{key}"


def delta_pk(tenant: str, shard: int) -> str:
    return f"{tenant}#DELTA#{shard:02d}"


def manifest_pk(tenant: str) -> str:
    """Definitions: the manifest of the tenant's snapshot."""
    return f"{tenant}#MANIFEST"


def audit_pk(tenant: str, month: str) -> str:
    return f"{tenant}#AUDIT#{month}"
