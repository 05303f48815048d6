"""The fake provider: it records what was truly accepted, with the virtual time, and speaks of it later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from meghdoot.adapters.memory.effects import Io
from meghdoot.areas.messaging.model import Fact, OutboundEmail, Outcome
from tests.sim.faults import Weather
from tests.sim.scheduler import Killed, Scheduler, SimClock, Worker
from tests.sim.watch import Watch

_NOES = {
    "provider_retry": Outcome("retry", code="429", retry_after=1.0),
    "provider_refused": Outcome("refused", code="rejected"),
    "provider_bad_address": Outcome("refused_address", code="bad_address"),
    "provider_quota": Outcome("wait_quota", code="quota", retry_after=120.0),
    "provider_stop": Outcome("stop", code="account_paused"),
}
_AMBIGUOUS = Outcome("ambiguous", code="timeout")
_CALL_SECONDS = 12.0
_EVENT_SECONDS = 1.5
_EVENT_LIMIT = 6 * 3600.0
_LATE_SECONDS = 40.0


class Provider:
    """Takes mails, refuses, stays silent. `tell` gets its words, with the seconds after which they arrive."""

    name = "memory"

    def __init__(
        self, scheduler: Scheduler, clock: SimClock, weather: Weather, watch: Watch, io: Io,
        tell: Callable[[Fact, float], None],
    ) -> None:  # fmt: skip
        self.scheduler, self.clock, self.weather, self.watch, self.io, self.tell = (
            scheduler, clock, weather, watch, io, tell,
        )  # fmt: skip
        self.calls = 0
        self.ambiguous = 0
        self.silent: set[str] = set()
        """Places (run/customer) whose events are lost for ever."""
        self.unwanted: set[str] = set()
        """Customers whose mail came back for good, or who complained."""

    def send(self, mail: OutboundEmail) -> Outcome:
        """One POST."""
        self.io("before send")
        worker = self.scheduler.current
        self.calls += 1
        if worker is not None:
            call = self.watch.single_call if "message" in mail.tags else self.watch.call
            call(mail, worker)
        kind = self.weather.drawn(self.weather.call, self.weather.some)
        outcome = self._answer(kind, mail, worker)
        self.io("after send")
        return outcome

    def _answer(self, kind: str | None, mail: OutboundEmail, worker: Worker | None) -> Outcome:
        if kind is None:
            self._take(mail)
            return Outcome("accepted", f"m-{self.calls}")
        if kind in _NOES:
            if kind in ("provider_refused", "provider_bad_address"):
                self.watch.refused.add(_place(mail))
            return _NOES[kind]
        if kind == "crash_in_call":
            if self.scheduler.chance() < 0.7:
                self._take(mail)
            if worker is not None:
                worker.dead = True
            raise Killed("in send")
        self.ambiguous += 1
        if kind == "timeout_after":
            self._take(mail)
        elif kind == "timeout_late":
            self.scheduler.after(self.scheduler.chance() * _LATE_SECONDS, lambda: self._take(mail))
        self.scheduler.sleep(self.scheduler.chance() * _CALL_SECONDS)
        return _AMBIGUOUS

    def _take(self, mail: OutboundEmail) -> None:
        (self.watch.single_accept if "message" in mail.tags else self.watch.accept)(mail)
        self._speak(mail)

    def _speak(self, mail: OutboundEmail) -> None:
        chance = self.scheduler.chance
        kind = self.weather.drawn(self.weather.event, self.weather.some)
        if kind == "event_lost":
            self.silent.add(_place(mail))
            return
        facts = self._facts(mail)
        delays = [min(_EVENT_SECONDS * (n + 1) / (chance() + 1e-4), _EVENT_LIMIT) for n in range(len(facts))]
        if kind == "event_delayed":
            delays = [d + chance() * _EVENT_LIMIT for d in delays]
        elif kind == "event_overtaken":
            delays.sort(reverse=True)
        elif kind == "event_doubled":
            facts, delays = facts * 2, delays + [d * 3 * chance() for d in delays]
        if any(fact.type == "complained" or fact.subtype == "hard" for fact in facts):
            self.unwanted.add(mail.tags["customer"])
        for fact, delay in zip(facts, delays, strict=True):
            self.tell(fact, delay)

    def _facts(self, mail: OutboundEmail) -> list[Fact]:
        u = self.scheduler.chance()
        if u < 0.80:
            words: tuple[tuple[str, str | None], ...] = (("delivered", None),)
        elif u < 0.86:
            words = (("bounced", "hard"),)
        elif u < 0.90:
            words = (("bounced", "soft"),)
        elif u < 0.95:
            words = (("delivered", None), ("complained", "abuse"))
        elif u < 0.98:
            words = (("deferred", None), ("delivered", None))
        else:
            words = (("deferred", None), ("bounced", "hard"))
        return [self._fact(mail, kind, subtype) for kind, subtype in words]

    def _fact(self, mail: OutboundEmail, kind: Any, subtype: str | None) -> Fact:
        tags, now = mail.tags, self.clock.now()
        return Fact(
            "memory", kind, now, f"{kind}-{tags['key']}", accepted_at=now, subtype=subtype, tenant=tags["tenant"],
            run_id=tags["run"], chunk=_number(tags, "chunk"), index=_number(tags, "index"), customer_id=tags["customer"],
            send_key=tags["key"], minute=tags["minute"], address=mail.to, message_id=tags.get("message"),
            attempt=_number(tags, "attempt"),
        )  # fmt: skip


def _place(mail: OutboundEmail) -> str:
    if "message" in mail.tags:
        return f"message/{mail.tags['message']}"
    return f"{mail.tags['run']}/{mail.tags['customer']}"


def _number(tags: Mapping[str, str], name: str) -> int | None:
    return int(tags[name]) if name in tags else None
