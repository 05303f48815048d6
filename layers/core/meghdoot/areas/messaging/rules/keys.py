"""Keys of sends: functions of the cause, never of the attempt."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from functools import lru_cache

from meghdoot.areas.consent.model import Channel
from meghdoot.kernel.ids import digest

_GATE_KEY_BYTES = 9


@lru_cache(maxsize=1024)
def send_key(run_id: str, channel: Channel, customer_id: str) -> str:
    """The id of the intent to deliver one run's message to one customer: 32 hex digits."""
    return digest("send", run_id, channel, customer_id)


def gate_key(key: str) -> str:
    """A send key as it stands in a contact gate: its first 72 bits in 12 characters of base64url."""
    return urlsafe_b64encode(bytes.fromhex(key)[:_GATE_KEY_BYTES]).decode()


@lru_cache(maxsize=64)
def run_minute(started_at: datetime) -> str:
    """The time part of a send row's key: `YYYYMMDDHHMM` in UTC."""
    return started_at.astimezone(UTC).strftime("%Y%m%d%H%M")
