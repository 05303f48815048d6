"""A customer service on memory."""

from __future__ import annotations

import pytest

from meghdoot.adapters.memory.customers import MemoryCustomers, MemoryEvents, memory_attributes
from meghdoot.areas.customers.service import CustomerService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(clock: ManualClock) -> CustomerService:
    return CustomerService(
        MemoryCustomers(),
        MemoryEvents(),
        memory_attributes(),
        Keyring({"k1": b"1" * 32}, "k1"),
        clock,
        SystemIds(clock),
    )
