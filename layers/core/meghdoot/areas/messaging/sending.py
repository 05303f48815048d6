"""Whether a tenant sends at all: a person stops it, and a person lets it go on where it stood."""

from __future__ import annotations

from dataclasses import dataclass

from meghdoot.areas.consent.model import Purpose
from meghdoot.areas.messaging.holding import Hold, Holds
from meghdoot.areas.messaging.service import RunService
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, Invalid
from meghdoot.kernel.i18n import has_forbidden_characters, nfc

MAX_WORDS = 500


@dataclass(frozen=True, slots=True)
class SendingService:
    """The kill switch of a tenant."""

    holds: Holds
    runs: RunService
    clock: Clock

    def hold(self, tenant: str) -> Hold | None:
        """What keeps the tenant's messages back now."""
        return self.holds.get(tenant)

    def words(self, tenant: str, purpose: Purpose) -> str | None:
        """Why messages of this purpose wait, as a sentence; None when they leave."""
        hold = self.holds.get(tenant)
        return hold.words if hold is not None and hold.stops(purpose) else None

    def stop(self, tenant: str, by: str, reason: str) -> Hold:
        """Stop every message of a tenant within seconds; answers the hold that stands.

        People who were claimed and not called are pending again. A hold over everything that stands already keeps its
        words. Raises Invalid for a reason that is empty or too long.
        """
        hold = Hold(tenant, "all", "kill_switch", _words(reason), by, self.clock.now())
        return hold if self.holds.put(hold) else self.holds.get(tenant) or hold

    def resume(self, tenant: str) -> tuple[Hold, int]:
        """Lift the hold, and wake what waits; answers the hold and how many runs go on. Nobody is skipped or repeated.

        Raises Conflict (`not_held`) when there is nothing to lift.
        """
        lifted = self.holds.lift(tenant)
        if lifted is None:
            raise Conflict("nothing holds the messages of this tenant back", code="not_held")
        return lifted, self.runs.wake_all(tenant)


def _words(reason: str) -> str:
    words = nfc(reason.strip())
    if not 1 <= len(words) <= MAX_WORDS or has_forbidden_characters(words):
        raise Invalid.field("reason", "invalid_reason", f"a sentence of at most {MAX_WORDS} characters")
    return words
