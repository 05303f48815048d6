"""What the sender may do is what its code does, and no more."""

from __future__ import annotations

from typing import Any

from tests.support.tables import ROOT, load_template


def statements(role: str) -> list[dict[str, Any]]:
    resources = load_template(ROOT / "template.yaml")["Resources"]
    return [s for p in resources[role]["Properties"]["Policies"] for s in p["PolicyDocument"]["Statement"]]


def allowed(role: str, action: str, table: str) -> bool:
    return any(
        action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
        and any(f"-{table}" in str(r) for r in (s["Resource"] if isinstance(s["Resource"], list) else [s["Resource"]]))
        for s in statements(role)
    )


def test_the_sender_may_pause_a_run_whose_provider_refuses_the_account() -> None:
    assert allowed("SenderRole", "dynamodb:PutItem", "definitions")
    assert not allowed("SenderRole", "dynamodb:DeleteItem", "definitions")


def test_the_hot_functions_may_run_their_statements() -> None:
    for role in ("SenderRole", "UrgentRole", "ReceiptsRole"):
        assert allowed(role, "dynamodb:PartiQLUpdate", "activity" if role == "ReceiptsRole" else "people")
    assert allowed("UrgentRole", "dynamodb:PartiQLInsert", "activity")
    assert allowed("ReceiptsRole", "dynamodb:PartiQLInsert", "activity")


def test_029_a_chunk_stays_invisible_for_longer_than_any_lease() -> None:
    resources = load_template(ROOT / "template.yaml")["Resources"]
    timeout = resources["SenderFunction"]["Properties"]["Timeout"]
    visible = resources["ChunksQueue"]["Properties"]["VisibilityTimeout"]
    assert visible >= 6 * timeout
    assert visible > timeout + 30


def test_single_messages_have_a_queue_of_their_own_that_only_who_takes_and_who_looks_after_them_fills() -> None:
    resources = load_template(ROOT / "template.yaml")["Resources"]
    fills = {
        role
        for role, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role" and resource["Properties"].get("Policies")
        for s in statements(role)
        if "sqs:SendMessage" in s["Action"] and "UrgentQueue" in str(s["Resource"])
    }
    assert fills == {"ApiRole", "TickerRole", "UrgentRole"}
    function = resources["UrgentFunction"]["Properties"]
    assert target_of(function) == "UrgentQueue"
    # A call whose owner died is parked by its lease, not by the queue: the ticker looks after a minute
    assert function["Timeout"] <= 60
    assert not allowed("UrgentRole", "dynamodb:PutItem", "definitions")


def target_of(function: dict[str, Any]) -> str:
    return str(function["Events"]["Queue"]["Properties"]["Queue"]["Fn::GetAtt"]).partition(".")[0]
