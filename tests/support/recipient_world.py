"""The public endpoints over memory, and all that a request could change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.touches import MemoryRunLinks, MemoryTouches
from meghdoot.areas.consent.model import ContactGate, Withdrawal
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.content.model import Link, PersonLinks
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.areas.messaging.recipients import RecipientService
from meghdoot.areas.messaging.touching import Touch
from meghdoot.http.recipients import RecipientSite
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Unavailable
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring
from tests.support.visits import visit

BASE = "https://m.example.test"
RUN, CUSTOMER, OTHER = (f"0190a5a2-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


class ShakyLog(MemoryWithdrawalLog):
    broken = False

    def append(self, withdrawal: Withdrawal) -> None:
        if self.broken:
            raise Unavailable("the bucket is down")
        super().append(withdrawal)


class ShakyTouches(MemoryTouches):
    broken = False

    def touch(self, touch: Touch) -> bool:
        if self.broken:
            raise Unavailable("the table is down")
        return super().touch(touch)


@dataclass
class World:
    keyring: Keyring = field(default_factory=lambda: Keyring({"k1": b"1" * 32}, "k1"))
    gates: GateStore = field(default_factory=GateStore)
    clock: ManualClock = field(default_factory=ManualClock)
    log: ShakyLog = field(default_factory=ShakyLog)
    touches: ShakyTouches = field(default_factory=ShakyTouches)
    links: MemoryRunLinks = field(default_factory=MemoryRunLinks)
    lines: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for customer in (CUSTOMER, OTHER):
            self.gates.put(ContactGate("acme", customer, 1, frozenset({"em:m", "sm:m"})))
        self.links.put("acme", RUN, [Link(1, "https://shop.example/চা?utm=a b"), Link(2, "https://shop.example/2")])
        ledger, suppressions = MemoryConsentLedger(self.gates), MemorySuppressions(self.gates)
        self.consent = ConsentService(ledger, suppressions, self.log, self.clock, SystemIds(self.clock))
        self.service = RecipientService(self.consent, self.touches, self.links, self.clock)

    def site(self) -> RecipientSite:
        return RecipientSite(self.service, self.keyring, lambda decision, facts: self.lines.append((decision, facts)))

    def ask(self, method: str, url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self.site().answer(visit(method, url.removeprefix(BASE), *args, **kwargs))

    def addresses(self, customer: str = CUSTOMER, **more: Any) -> PersonLinks:
        ids = {"tenant": "acme", "run_id": RUN, "customer_id": customer, "channel": "email", "send_key": "aa" * 16}
        return person_links(BASE, self.keyring, **{**ids, **more})

    def granted(self, customer: str = CUSTOMER) -> frozenset[str]:
        gate = self.gates.get("acme", customer)
        assert gate is not None
        return gate.granted

    def state(self) -> tuple[Any, ...]:
        """All that a request could have changed."""
        gates = [self.gates.get("acme", customer) for customer in (CUSTOMER, OTHER)]
        history = [self.consent.history("acme", customer).items for customer in (CUSTOMER, OTHER)]
        return gates, history, self.log.lines, self.touches.kept

    def kinds(self) -> list[tuple[str, int | None]]:
        return [(touch.kind, touch.link) for touch in self.touches.kept]


def multipart(fields: dict[str, str]) -> tuple[bytes, str]:
    parts = [f'--XyZ\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    return ("".join(parts) + "--XyZ--\r\n").encode(), "multipart/form-data; boundary=XyZ"
