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
    for role in ("SenderRole", "ReceiptsRole"):
        assert allowed(role, "dynamodb:PartiQLUpdate", "people" if role == "SenderRole" else "activity")
    assert allowed("ReceiptsRole", "dynamodb:PartiQLInsert", "activity")


def test_029_a_chunk_stays_invisible_for_longer_than_any_lease() -> None:
    resources = load_template(ROOT / "template.yaml")["Resources"]
    timeout = resources["SenderFunction"]["Properties"]["Timeout"]
    visible = resources["ChunksQueue"]["Properties"]["VisibilityTimeout"]
    assert visible >= 6 * timeout
    assert visible > timeout + 30
