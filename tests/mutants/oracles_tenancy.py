"""Two tenants under one roof: keys, lists, cursors, kept answers, and what providers say."""

from __future__ import annotations

import inspect
from dataclasses import replace

from meghdoot.adapters.dynamodb import keys
from tests.api.client import Client
from tests.api.conftest import open_house
from tests.exhaustive.faults import Faults
from tests.exhaustive.house import House


def keys_apart() -> None:
    """Every key that is made for a tenant begins with it, so that no tenant's keys are among another's."""
    makers = [
        make
        for name, make in vars(keys).items()
        if inspect.isfunction(make) and "tenant" in inspect.signature(make).parameters
    ]
    assert len(makers) > 10
    for make in makers:
        rest = [1 if p.annotation == "int" else "x" for p in list(inspect.signature(make).parameters.values())[1:]]
        for tenant in ("t1", "t10"):
            assert make(tenant, *rest).startswith(f"{tenant}#"), f"{make.__name__} names no tenant"


def receipts_apart() -> None:
    """A notification with tags of another tenant closes nothing here, whoever sent it; nor does one without proof."""
    house = House(2, Faults())
    house.launch(daily_cap=None)
    house.work()
    house.owners.claim("news@acme.example", "acme")
    gates = {c: house.gates.get("acme", c) for c in house.ids}
    fact = house.delivery_of(house.provider.accepted[0], "bounced", subtype="hard", source_identity="news@acme.example")
    house.receipts.record([replace(fact, tenant="other", send_key="0" * 32)])
    assert not house.log.lines, "an address was closed on a stranger's word"
    house.receipts.record([replace(fact, tenant=None, send_key=None)])
    assert [line.tenant for line in house.log.lines] == ["acme"]
    assert {c: house.gates.get("acme", c) for c in house.ids} == gates, "a gate was closed without proof"


def api_apart() -> None:
    """Ids, lists, cursors, Idempotency-Keys and headers of one tenant are nothing to another."""
    ours = open_house(Client(), "acme", "other")
    theirs = ours.as_(tenant="other")
    body = {"external_id": "x1", "email": "a@example.com"}
    first = theirs.post("/customers", body, Idempotency_Key="k1").json["customer"]["id"]
    theirs.post("/customers", {"external_id": "x2"})
    assert ours.get(f"/customers/{first}").status == 404, "another tenant's customer was shown"
    assert ours.get("/customers").json["customers"] == [], "another tenant's customers were listed"
    assert ours.call("GET", f"/customers/{first}", X_Tenant="other").status == 404, "a header chose the tenant"
    after = theirs.get("/customers", limit=1).json["after"]
    assert ours.get("/customers", limit=1, after=after).status == 400, "another tenant's cursor opened"
    own = ours.post("/customers", body, Idempotency_Key="k1").json["customer"]["id"]
    assert own != first, "another tenant's answer was replayed"
    assert theirs.get(f"/customers/{first}").status == 200
    assert [c["id"] for c in ours.get("/customers").json["customers"]] == [own]
