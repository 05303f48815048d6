"""How many people of the segments can be written to, as the launch check sees it."""

from __future__ import annotations

from dataclasses import replace

from meghdoot.adapters.memory.consent import MemoryConsentLedger
from meghdoot.adapters.memory.customers import MemoryCustomers
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.areas.campaigns.reach import SegmentReach
from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.customers.model import Customer
from tests.support.killing import PlainEngine
from tests.unit.campaigns.house import NOW, SEGMENT, House


class People:
    """A segment of people whose gates a test sets."""

    def __init__(self, count: int, most: int = 5_000) -> None:
        house, self.gates = House(), GateStore()
        self.customers, self.ids = MemoryCustomers(self.gates), [f"c{n:05d}" for n in range(count)]
        for customer in self.ids:
            self.add(customer, f"{customer}@x.example")
        self.segments, ledger = house.segments, MemoryConsentLedger(self.gates)
        engine = PlainEngine(self.ids)
        self.reach = SegmentReach(
            house.segments, engine, ledger, self.customers, house.tenants, house.clock, most  # type: ignore[arg-type]
        )  # fmt: skip

    def add(self, customer: str, email: str | None) -> None:
        self.customers.create(Customer("acme", customer, NOW, NOW, email=email), {})

    def open(self, *customers: str, suppressed: bool = False) -> None:
        for customer in customers:
            closed = frozenset({"em"}) if suppressed else frozenset[str]()
            self.gates.put(ContactGate("acme", customer, 2, frozenset({"em:m"}), closed))

    def __call__(self, *segments: str) -> int | None:
        return self.reach.reachable("acme", segments or ("seg",))


def test_those_count_who_have_consent_and_an_address_and_no_suppression() -> None:
    people = People(250)
    assert people() == 0
    people.open("c00001", "c00120", "c00249")
    people.open("c00002", suppressed=True)
    people.add("z1", None)
    people.ids.append("z1")
    people.open("z1")
    assert people() == 3


def test_nobody_in_the_snapshot_is_no_proof_that_nobody_can_be_reached() -> None:
    assert People(0)() is None


def test_a_look_ends_at_its_bound_and_then_no_zero_is_claimed() -> None:
    people = People(300, most=150)
    assert people() is None
    people.open("c00149", "c00150")
    assert people() == 1


def test_a_segment_that_cannot_be_used_reaches_nobody_that_is_known() -> None:
    people = People(3)
    people.open(*people.ids)
    people.segments.replace(replace(SEGMENT, is_active=False, version=2), 1)
    assert people() is None
    assert people("gone") is None
