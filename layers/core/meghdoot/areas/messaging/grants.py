"""Keeps what the provider grants where every sender finds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from meghdoot.areas.messaging.pacing_model import Grant, Reading
from meghdoot.areas.messaging.pacing_ports import AccountReader, Readings, Tallies
from meghdoot.areas.messaging.rules import allowances
from meghdoot.areas.messaging.slots import READING_AGE
from meghdoot.kernel.clock import Clock

ASK_EVERY = timedelta(minutes=3)
SWITCH_AFTER = READING_AGE + timedelta(seconds=30)
"""A sender looks at the reading once a minute: until then both the old rate and the new one are in use nowhere at once."""


@dataclass(frozen=True, slots=True)
class GrantService:
    """For the ticker, the only writer. `line` names the account."""

    reader: AccountReader
    readings: Readings
    tallies: Tallies
    clock: Clock
    line: str

    def refresh(self) -> Reading | None:
        """Ask the provider if the last answer is some minutes old; answers the new reading, or None when there is none.

        Raises Unavailable; the senders then go on with what they know.
        """
        now = self.clock.now()
        known = self.readings.get(self.line)
        if known is not None and now - known.read_at < ASK_EVERY:
            return None
        reading = self._reading(known, self.reader.read())
        self.readings.put(self.line, reading)
        return reading

    def _reading(self, known: Reading | None, grant: Grant) -> Reading:
        now = self.clock.now()
        ours = sum(self.tallies.sums(allowances.quota_keys(self.line, now)[: allowances.QUOTA_HOURS]))
        reading = Reading(
            grant.rate, None, now + SWITCH_AFTER, grant.max_24h, max(0, grant.sent_24h - ours), now,
            grant.sending_enabled, grant.in_sandbox,
        )  # fmt: skip
        if known is None or grant.rate <= 0:
            # An account without a rate may not send at all, which its calls will say: the pace is the slowest there is.
            return replace(reading, rate=max(grant.rate, 1.0))
        in_use = known.rate if now >= known.switch_at else known.before
        if known.rate == grant.rate:
            return replace(reading, before=known.before, switch_at=known.switch_at)
        return replace(reading, before=in_use)
