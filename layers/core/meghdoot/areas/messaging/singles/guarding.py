"""Whether a single message may go to its person: suppression for all, consent and caps for marketing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from meghdoot.areas.consent.model import CHANNEL_CODES, ContactGate
from meghdoot.areas.consent.ports import Suppressions
from meghdoot.areas.customers.rules import lookup_keys
from meghdoot.areas.messaging.model import Recipient, Run, SkipReason
from meghdoot.areas.messaging.ports import Gates
from meghdoot.areas.messaging.rules import waves
from meghdoot.areas.messaging.rules.decide import claim_request, decide
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.mails import run_of
from meghdoot.areas.messaging.singles.model import Composition, Single
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Unavailable
from meghdoot.kernel.keyring import Keyring


@dataclass(frozen=True, slots=True)
class SingleGuard:
    """Reads gates and the list of suppressed addresses; claims a marketing message's place in the gate."""

    gates: Gates
    suppressions: Suppressions
    keyring: Keyring
    clock: Clock

    def refusal(self, single: Single, composition: Composition) -> SkipReason | None:
        """Why the message may not be sent as things stand; nothing is written."""
        gate = self._gate(single)
        if single.purpose == "marketing":
            return decide(_recipient(single), gate, _as_run(single, composition), rules.OWNER, self._now()).reason
        return rules.refusal(single, has_gate=gate is not None, suppressed=self._is_suppressed(single, gate))

    def claim(self, single: Single, composition: Composition) -> SkipReason | None:
        """Hold consent and count the message against the caps, at the last moment. None: it may be called.

        A message that was counted by an earlier attempt is not counted again. Raises Unavailable when others changed the
        gate again and again.
        """
        run, person = _as_run(single, composition), _recipient(single)
        gate = self._gate(single)
        for _ in range(waves.CLAIM_ROUNDS):
            decision = decide(person, gate, run, rules.OWNER, self._now())
            if decision.reason is not None or gate is None:
                return decision.reason or "erased"
            (result,) = self.gates.claim([claim_request(run, gate, decision)])
            if result.claimed:
                return None
            gate = result.gate
        raise Unavailable("the contact gate changes too fast", retry_after=1)

    def _gate(self, single: Single) -> ContactGate | None:
        if not single.has_profile:
            return None
        return self.gates.read(single.tenant, [single.customer_id]).get(single.customer_id)

    def _is_suppressed(self, single: Single, gate: ContactGate | None) -> bool:
        if gate is not None and CHANNEL_CODES[single.channel] in gate.suppressed:
            return True
        keys = lookup_keys(self.keyring, "email", single.address or "")
        return any(self.suppressions.get(single.tenant, key, single.channel) is not None for key in keys)

    def _now(self) -> datetime:
        return self.clock.now()


def _recipient(single: Single) -> Recipient:
    return Recipient(0, single.customer_id, single.address, single.language, None)


def _as_run(single: Single, composition: Composition) -> Run:
    """The message as a run of one, whose send key is the message's."""
    return replace(
        run_of(composition), id=single.id, stale_after=single.stale_after, daily_cap=single.daily_cap,
        weekly_cap=single.weekly_cap,
    )  # fmt: skip
