"""What a process may still send within quota and limits: counted before use, in slices, and kept in hand until used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from meghdoot.areas.messaging.model import Demand, Lease
from meghdoot.areas.messaging.pacing_model import Reading
from meghdoot.areas.messaging.pacing_ports import Tallies
from meghdoot.areas.messaging.rules import allowances
from meghdoot.areas.messaging.rules.allowances import Allowance

_QUOTA_SLICES = 200
"""One process holds at most such a part of the day's quota: what it holds and does not use, nobody can use."""
_ASK_AGAIN = timedelta(seconds=60)
"""A refusal is believed for this long, so that a hundred chunks of a limited run do not ask a hundred times."""


@dataclass(slots=True)
class Purse:
    """One process's hand. Counted and never used (it died, the hour was over) is lost, never sent twice."""

    tallies: Tallies
    hand: dict[str, int] = field(default_factory=dict)
    refused: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """Limit and time of refusals; a limit that was raised is asked for again."""
    _before: tuple[str, int] = ("", 0)
    """What the 24 hours before this one hold: it never changes within the hour."""

    def allow(self, demand: Demand, line: str, reading: Reading | None, wanted: int, now: datetime) -> int | Lease:
        """How many of the wanted calls nothing forbids, or a lease of none that says what does and for how long."""
        count = wanted
        for allowance in self._all(demand, line, reading, now):
            have = self._have(allowance, count, now)
            if not have:
                return Lease(0, max(1.0, (allowance.until - now).total_seconds()), reason=allowance.reason)
            count = min(count, have)
        return count

    def spend(self, demand: Demand, line: str, reading: Reading | None, count: int, now: datetime) -> None:
        """Take from the hand what was leased; a negative count puts back what was not used."""
        kept = {}
        for allowance in self._all(demand, line, reading, now):
            kept[allowance.key] = max(0, self.hand.get(allowance.key, 0) - count)
        self.hand |= kept

    def _all(self, demand: Demand, line: str, reading: Reading | None, now: datetime) -> list[Allowance]:
        found = allowances.of_demand(demand, now)
        if reading is not None and reading.max_24h is not None:
            keys = allowances.quota_keys(line, now)
            if self._before[0] != keys[0]:
                self._before = (keys[0], sum(self.tallies.sums(keys[1:])))
            left = max(0, reading.max_24h - reading.others_24h - self._before[1])
            until = allowances.hour_of(now) + timedelta(hours=1)
            found.append(Allowance(keys[0], left, "quota", until, min(demand.left, left // _QUOTA_SLICES)))
        return found

    def _have(self, allowance: Allowance, wanted: int, now: datetime) -> int:
        have = self.hand.get(allowance.key, 0)
        if have >= wanted or self._was_refused(allowance, now):
            return have
        expires = int((now + allowances.KEPT).timestamp())
        got = self.tallies.take(allowance.key, max(wanted, allowance.slice) - have, allowance.limit, expires)
        if not got:
            self.refused[allowance.key] = (allowance.limit, now)
        self._forget_old(allowance.key)
        self.hand[allowance.key] = have + got
        return have + got

    def _was_refused(self, allowance: Allowance, now: datetime) -> bool:
        limit, at = self.refused.get(allowance.key, (-1, now))
        return limit == allowance.limit and now - at < _ASK_AGAIN

    def _forget_old(self, key: str) -> None:
        # Keys carry their hour or day: what is left of older ones is of no use, and a process may live for long.
        if key not in self.hand and len(self.hand) > 200:
            self.hand, self.refused = {}, {}
