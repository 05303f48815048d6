"""What providers say: real notifications find their tenant, and facts in any order come to one end."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from meghdoot.adapters.email.ses_events import parse
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.model import OutboundEmail
from meghdoot.areas.messaging.receipts import Recorded
from tests.stories.test_campaign import TEMPLATE
from tests.support.memory_services import KEYRING
from tests.support.whole_house import WholeHouse

DATA = Path(__file__).parent.parent / "data"
TENANTS = ("acme", "cats", "catsjp", "other")
REAL = [
    ("ses_09_Bounce.json", "cats", "bounce@simulator.amazonses.com", "hard_bounce"),
    ("ses_11_Complaint.json", "catsjp", "complaint@simulator.amazonses.com", "complaint"),
]


def tell(house: WholeHouse, *events: dict[str, Any], envelope: str = "sns") -> list[Recorded]:
    """The way of a queue message: an SNS envelope, parsed, recorded, one by one."""
    told = []
    for event in events:
        kind = event.get("eventType") or event["notificationType"]
        message = {"Type": "Notification", "MessageId": f"{envelope}-{kind}", "Message": json.dumps(event)}
        told.append(house.receipts.record(parse(json.dumps(message), "memory").facts))
    return told


def suppressions(house: WholeHouse) -> dict[tuple[str, str], str]:
    """(tenant, address key) to why."""
    stored: Any = house.ports.suppressions
    return {(tenant, key): found.reason for (tenant, key, _), found in stored._items.items()}


def people(house: WholeHouse) -> list[Any]:
    """The profiles of all tenants."""
    return [house.ports.customers.page(tenant, limit=100).items for tenant in TENANTS]


# --- real notifications, without tags --------------------------------------------------------------


def houses(by_domain: bool) -> WholeHouse:
    """Four tenants who all know the addresses; two own the identities of the notifications, by address or by domain."""
    house = WholeHouse(*TENANTS)
    for tenant, identity in (("cats", "neko.example.org"), ("catsjp", "neko.example.jp")):
        house.ports.owners.claim(f"@{identity}" if by_domain else f"kijitora@{identity}", tenant)
    for tenant in TENANTS:
        for name in ("bounce", "complaint"):
            house.person(name, tenant=tenant, email=f"{name}@simulator.amazonses.com")
    return house


@pytest.mark.parametrize("by_domain", [False, True])
@pytest.mark.parametrize(("name", "owner", "address", "reason"), REAL)
def test_a_real_notification_suppresses_the_address_for_the_owner_of_the_identity_and_nobody_else(
    name: str, owner: str, address: str, reason: str, by_domain: bool
) -> None:
    # Given four tenants, of whom one owns the sending identity
    house = houses(by_domain)
    gates, customers = dict(house.gates._gates), people(house)
    # When the notification comes, and comes again
    event = json.loads((DATA / name).read_text(encoding="utf-8"))
    first, again = tell(house, event, event)
    # Then that tenant never writes to the address again, and nothing else has changed: no row, no counter, no profile
    assert (first, again) == (Recorded(suppressed=1, unmatched=1), Recorded(unmatched=1))
    assert suppressions(house) == {(owner, EmailKeys(KEYRING)(owner, address)): reason}
    assert (house.rows.rows, house.counters.items, house.evidence.marks) == ({}, {}, {})
    holder = next(c.id for page in customers for c in page if (c.tenant, c.email) == (owner, address))
    changed = {place for place, gate in house.gates._gates.items() if gates[place] != gate}
    assert changed == {(owner, holder)}
    assert house.gates._gates[(owner, holder)].suppressed == {"em"}
    assert [e.state for e in house.services.consent.history(owner, holder).items] == ["granted"]
    assert people(house) == customers
    print(f"\nfigure: {name} suppressed 1 address of the identity's owner ({'domain' if by_domain else 'address'}), "
          f"0 of {len(TENANTS) - 1} other tenants, 0 send rows")  # fmt: skip


@pytest.mark.parametrize(("name", "owner", "address", "reason"), REAL)
def test_a_notification_of_an_identity_that_nobody_owns_touches_nobody(
    name: str, owner: str, address: str, reason: str
) -> None:
    house = WholeHouse(*TENANTS)
    assert tell(house, json.loads((DATA / name).read_text(encoding="utf-8"))) == [Recorded(unmatched=1)]
    assert suppressions(house) == {}
    assert house.rows.rows == {}


# --- tagged events, in every order ------------------------------------------------------------------


def sent() -> tuple[WholeHouse, str, OutboundEmail]:
    """A campaign to three people that is out, the same each time; its run, and Rahima's mail."""
    house = WholeHouse()
    for name in ("Rahima", "Lily", "Karim"):
        house.person(name)
    run = house.launch(house.draft(TEMPLATE))
    house.send()
    (mail,) = [m for m in house.provider.accepted if m.to.startswith("rahima")]
    return house, run, mail


def told_of(mail: OutboundEmail, kind: str, second: int, detail: dict[str, Any]) -> dict[str, Any]:
    """An event of the configuration set about a mail of ours."""
    at = "2026-01-05T09:00:{:02}.000Z"
    head = {
        "timestamp": at.format(0), "messageId": "p1", "source": mail.sender_email, "destination": [mail.to],
        "tags": {name: [value] for name, value in mail.tags.items()},
    }  # fmt: skip
    return {"eventType": kind, "mail": head, kind.lower(): {"timestamp": at.format(second), **detail}}


def events_about(mail: OutboundEmail) -> dict[str, dict[str, Any]]:
    people = [{"emailAddress": mail.to}]
    return {
        "DELIVERY": told_of(mail, "Delivery", 2, {"recipients": [mail.to]}),
        "BOUNCE": told_of(
            mail, "Bounce", 4, {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": people}
        ),
        "COMPLAINT": told_of(mail, "Complaint", 9, {"complainedRecipients": people, "complaintFeedbackType": "abuse"}),
    }


def end_of(kinds: tuple[str, ...]) -> dict[str, Any]:
    """Play events on a house of their own, each by itself, and tell where everything ends."""
    house, run, mail = sent()
    events, customer = events_about(mail), mail.tags["customer"]
    tell(house, *(events[kind] for kind in kinds))
    gate = house.gates.get("acme", customer)
    assert gate is not None
    (row,) = house.rows.rows.values()
    return {
        "row": (row.customer_id, row.state, row.send_key),
        "counters": dict(house.counters.totals("acme", run)),
        "accounting": house.accounting(run),
        "suppressed": set(suppressions(house)),
        "gate": (gate.granted, gate.suppressed),
        "consent": [e.state for e in house.services.consent.history("acme", customer).items][-1],
        "withdrawals": len(house.ports.withdrawals.lines),  # type: ignore[attr-defined]
    }


def test_058_delivery_bounce_and_complaint_in_every_order_with_duplicates_come_to_one_end() -> None:
    # Given every order of the three, and every order of the three with each one doubled
    orders = set(permutations(("DELIVERY", "BOUNCE", "COMPLAINT")))
    orders |= set(permutations(("DELIVERY", "BOUNCE", "COMPLAINT") * 2))
    # When each is played on a house of its own
    ends = [end_of(order) for order in sorted(orders)]
    # Then all houses are the same: the row has the highest state, one suppression, one withdrawal
    assert len(orders) == 6 + 90
    assert all(end == ends[0] for end in ends)
    end = ends[0]
    assert end["row"][1] == "complained"
    assert end["counters"] == {"complained": 1}
    assert end["accounting"] == {"accepted": 2, "complained": 1}
    assert len(end["suppressed"]) == 1
    assert (end["gate"], end["consent"]) == ((frozenset(), frozenset({"em"})), "withdrawn")
    print(f"\nfigure: {len(orders)} orders of DELIVERY, BOUNCE, COMPLAINT (with and without duplicates) "
          f"end in {len({repr(e) for e in ends})} state")  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "state", "suppressed"),
    [(("DELIVERY",), "delivered", 0), (("BOUNCE", "DELIVERY"), "bounced", 1), (("DELIVERY", "BOUNCE"), "bounced", 1)],
)
def test_each_word_has_its_own_end(kinds: tuple[str, ...], state: str, suppressed: int) -> None:
    end = end_of(kinds)
    assert (end["row"][1], end["counters"], len(end["suppressed"])) == (state, {state: 1}, suppressed)
