"""A single message through the local stack: API, queue, function, provider, events, as they are deployed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from meghdoot_cli.admin import create_tenant
from meghdoot_cli.client import Api, ApiError
from meghdoot_cli.stack import local_stack

TEMPLATE = {
    "template_name": "Receipt", "template_category": "transactional", "subject_line": "Order {{order}}",
    "html_content": "<p>Thank you for {{order}}</p>", "variables": [{"name": "order"}],
}  # fmt: skip
_LOOKS, _PAUSE = 150, 0.2


def ended(api: Api, message_id: str) -> dict[str, Any]:
    """The message, once the provider has spoken."""
    shown: dict[str, Any] = {}
    for _ in range(_LOOKS):
        shown = api.get(f"/messages/{message_id}")
        if shown["state"] in ("delivered", "bounced", "complained"):
            break
        time.sleep(_PAUSE)
    return shown


@pytest.mark.emulator
def test_006_a_receipt_asked_for_thrice_with_one_key_is_one_mail_on_the_local_stack() -> None:
    with local_stack() as stack:
        api = Api(f"{stack.url}/api/v1/marketing", create_tenant("dev", "Development", "1 Lake Road, Dhaka 1207"))
        api.post("/senders", {"sender_email": "shop@shop.example", "display_name": "Shop"})
        api.post("/senders/shop@shop.example/verify")
        template = api.post("/templates", TEMPLATE)["id"]
        body = {
            "email": "rita@example.com", "template_id": template, "sender_email": "shop@shop.example",
            "variables": {"order": "A-17"}, "key": "order-17",
        }  # fmt: skip
        taken = [api.post("/messages", body) for _ in range(3)]
        assert len({one["id"] for one in taken}) == 1
        shown = ended(api, taken[0]["id"])
        assert (shown["state"], shown["evidence"]["heard_attempt"]) == ("delivered", 1)
        assert [mail.tags["message"] for mail in stack.provider.accepted] == [taken[0]["id"]]
        with pytest.raises(ApiError) as reused:
            api.post("/messages", {**body, "variables": {"order": "B-18"}})
        assert reused.value.problem["code"] == "idempotency_key_reused"
        assert stack.runtime.errors == []
