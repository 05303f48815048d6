"""Each resource, end to end through the application."""

from __future__ import annotations

import pytest

from tests.api.client import Client

TEMPLATE = {
    "template_name": "Eid offer", "template_category": "promotional", "subject_line": "Hello {{first_name}}",
    "html_content": '<p>Hi {{first_name}}</p><p>{{postal_address}} <a href="{{unsubscribe_url}}">out</a></p>',
    "variables": [{"name": "first_name", "default": "friend"}],
}  # fmt: skip


def test_settings_are_read_and_changed_in_part(client: Client) -> None:
    first = client.get("/tenant")
    assert (first.status, first.json["timezone"], first.headers["ETag"]) == (200, "Asia/Dhaka", '"1"')
    changed = client.put("/tenant", {"timezone": "Europe/Berlin", "weekly_cap": 4}, If_Match='"1"')
    assert (changed.status, changed.json["timezone"], changed.json["weekly_cap"]) == (200, "Europe/Berlin", 4)
    assert client.put("/tenant", {"weekly_cap": None}).json["weekly_cap"] is None


def test_011_a_stale_version_changes_nothing(client: Client) -> None:
    client.put("/tenant", {"weekly_cap": 4}, If_Match='"1"')
    refused = client.put("/tenant", {"weekly_cap": 9}, If_Match='"1"')
    assert (refused.status, refused.code) == (412, "stale_version")
    assert client.get("/tenant").json["weekly_cap"] == 4


@pytest.mark.parametrize("prefix", ["/api/v1/marketing", "/api/marketing"])
def test_both_prefixes_serve_the_same(client: Client, prefix: str) -> None:
    assert client.call("GET", "/tenant", prefix=prefix).status == 200


def test_a_sender_is_added_verified_and_removed(client: Client) -> None:
    made = client.post("/senders", {"sender_email": "News@Shop.example", "display_name": "Shop"})
    assert (made.status, made.json["id"]) == (201, "news@shop.example")
    assert client.post("/senders/news@shop.example/verify").json["status"] == "verified"
    assert [s["id"] for s in client.get("/senders").json["senders"]] == ["news@shop.example"]
    assert client.delete("/senders/news@shop.example").status == 204
    assert client.delete("/senders/news@shop.example").status == 404
    log = client.get("/audit-log").json["entries"]
    assert {(e["action"], e["subject"]) for e in log} == {
        ("sender.create", "shop.example"), ("sender.delete", "shop.example"),
    }  # fmt: skip


def test_a_key_is_shown_once_rotated_and_revoked(client: Client) -> None:
    made = client.post("/api-keys", {"name": "server", "role": "editor"}, Idempotency_Key="k").json
    assert client.post("/api-keys", {"name": "server", "role": "editor"}, Idempotency_Key="k").json["api_key"] is None
    principal = client.services.access.authenticate(made["api_key"])
    assert (principal.tenant, principal.role) == ("acme", "editor")
    fresh = client.post(f"/api-keys/{made['key']['id']}/rotate").json
    assert client.delete(f"/api-keys/{fresh['key']['id']}").status == 204
    listed = client.get("/api-keys")
    assert len(listed.json["keys"]) == 2
    assert "hash" not in listed.text


def test_a_customer_is_created_found_again_changed_and_deleted(client: Client) -> None:
    made = client.post("/customers", {"email": "Rahima@Example.com", "phone": "01712345678", "first_name": "রহিমা"})
    assert (made.status, made.json["result"]) == (200, "created")
    customer = made.json["customer"]
    assert (customer["email"], customer["phone"]) == ("rahima@example.com", "+8801712345678")
    again = client.post("/customers", {"email": "rahima@example.com", "city": "Dhaka", "first_name": None})
    assert (again.json["result"], again.json["customer"]["first_name"]) == ("updated", None)
    assert client.get(f"/customers/{customer['id']}").json["city"] == "Dhaka"
    assert client.delete(f"/customers/{customer['id']}").status == 204
    assert client.get(f"/customers/{customer['id']}").status == 404


def test_a_batch_says_what_became_of_each(client: Client) -> None:
    body = {"customers": [{"email": "a@example.com"}, {"email": "nobody"}, {"email": "A@example.com"}]}
    answer = client.post("/customers/batch", body).json
    assert [r["result"] for r in answer["results"]] == ["created", "failed", "unchanged"]
    assert (answer["results"][1]["field"], answer["failed"]) == ("email", 1)


def test_pages_of_customers_follow_each_other(client: Client) -> None:
    client.post("/customers/batch", {"customers": [{"external_id": f"x{n}"} for n in range(5)]})
    seen, after = [], None
    while True:
        page = client.get("/customers", limit=2, after=after).json
        seen += [c["external_id"] for c in page["customers"]]
        after = page["after"]
        if after is None:
            break
    assert sorted(seen) == [f"x{n}" for n in range(5)]


def test_events_are_stored_once(client: Client) -> None:
    client.post("/customers", {"external_id": "x1"})
    event = {"id": "o1", "external_id": "x1", "type": "purchase", "amount": 12.5, "at": "2026-01-04T00:00:00Z"}
    first = client.post("/events", event)
    assert (first.status, first.json["result"]) == (202, "created")
    assert client.post("/events", event).json["result"] == "duplicate"
    batch = client.post("/events/batch", {"events": [event, {"id": "o2", "external_id": "no", "type": "signup"}]}).json
    assert [r["result"] for r in batch["results"]] == ["duplicate", "failed"]
    page = client.get(f"/customers/{first.json['customer_id']}/events").json
    assert [(e["id"], e["amount"], e["currency"]) for e in page["events"]] == [(first.json["id"], 12.5, "BDT")]


@pytest.mark.parametrize("amount", [0.1 + 0.2, 12.345, "much", True])
def test_014_an_amount_that_the_currency_does_not_have_is_refused(client: Client, amount: object) -> None:
    client.post("/customers", {"external_id": "x1"})
    refused = client.post("/events", {"external_id": "x1", "type": "purchase", "amount": amount})
    assert (refused.status, refused.fields) == (422, ["amount"])


def test_consent_is_a_ledger_behind_a_gate(client: Client) -> None:
    customer = client.post("/customers", {"email": "a@example.com"}).json["customer"]["id"]
    grant = {"channel": "email", "state": "granted", "text_version": "v1", "ip": "198.51.100.4"}
    made = client.post(f"/customers/{customer}/consent", grant)
    assert (made.status, made.json["sequence"], made.json["ip"]) == (201, 1, "198.51.100.4")
    assert client.get(f"/customers/{customer}/consent/gate").json["granted"] == ["em:m"]
    assert (
        client.post("/email-campaigns/unsubscribe", {"email": "A@example.com", "reason": "too_frequent"}).status == 200
    )
    assert client.get(f"/customers/{customer}/consent/gate").json["granted"] == []
    rows = client.get("/email-campaigns/unsubscribes").json["unsubscribes"]
    assert [(r["customer_id"], r["reason"]) for r in rows] == [(customer, "too_frequent")]
    assert [e["state"] for e in client.get(f"/customers/{customer}/consent").json["entries"]] == [
        "granted",
        "withdrawn",
    ]


def test_acts_of_consent_come_in_batches_by_identity(client: Client) -> None:
    client.post("/customers", {"external_id": "x1", "email": "a@example.com"})
    act = {"channel": "email", "state": "granted", "text_version": "v1"}
    answer = client.post(
        "/consent/batch", {"acts": [act | {"external_id": "x1"}, act | {"external_id": "x2"}, act]}
    ).json
    assert [r["result"] for r in answer["results"]] == ["created", "failed", "failed"]
    assert [r["code"] for r in answer["results"][1:]] == ["customer_not_found", "identity_required"]


def test_a_suppressed_address_stays_closed_for_whoever_comes_with_it(client: Client) -> None:
    assert client.post("/suppressions", {"address": "Gone@Example.com"}).status == 201
    assert client.get("/suppressions", address="gone@example.com").json["reason"] == "manual"
    customer = client.post("/customers", {"email": "gone@example.com"}).json["customer"]["id"]
    client.post(f"/customers/{customer}/consent", {"channel": "email", "state": "granted", "text_version": "v1"})
    gate = client.get(f"/customers/{customer}/consent/gate").json
    assert (gate["granted"], gate["suppressed"]) == ([], ["em"])
    assert client.delete("/suppressions", address="gone@example.com").status == 204
    assert client.get("/suppressions", address="gone@example.com").status == 404


def test_an_unsubscribe_of_an_unknown_address_is_kept_too(client: Client) -> None:
    client.post("/email-campaigns/unsubscribe", {"email": "new@example.com"})
    assert client.get("/suppressions", address="new@example.com").json["reason"] == "unsubscribed"


def test_a_template_is_previewed_as_a_chosen_customer_by_whoever_may_read_customers(client: Client) -> None:
    bangla = {"subject_line_bn": "সালাম {{first_name}}", "html_content_bn": TEMPLATE["html_content"]}
    path = f"/templates/{client.post('/templates', TEMPLATE | bangla).json['id']}/preview"
    person = {"external_id": "x1", "first_name": "রহিমা", "language": "bn"}
    customer = client.post("/customers", person).json["customer"]["id"]
    assert client.post(path, {"customer_id": customer}).json["subject"] == "সালাম রহিমা"
    assert client.post(path, {"customer_id": customer, "language": "en"}).json["subject"] == "Hello রহিমা"
    assert client.post(path, {"customer_id": customer, "data": {"first_name": "Lily"}}).json["subject"] == "সালাম Lily"
    assert client.post(path, {}).json["subject"] == "Hello friend"
    assert client.as_(tenant="acme").post(path, {"customer_id": "nobody"}).code == "customer_not_found"
    narrow = client.as_(scopes=frozenset({"templates:read"}))
    assert narrow.post(path, {"customer_id": customer}).code == "scope_missing"
    assert narrow.post(path, {"language": "en"}).status == 200


def test_a_template_is_versioned_previewed_and_checked(client: Client) -> None:
    made = client.post("/templates", TEMPLATE)
    assert (made.status, made.json["version"]) == (201, 1)
    path = f"/templates/{made.json['id']}"
    assert client.put(path, {"subject_line": "Hi"}, If_Match='"1"').json["version"] == 2
    assert client.put(path, {"subject_line": "Ho"}, If_Match='"1"').status == 412
    preview = client.post(f"{path}/preview", {"data": {"first_name": "<b>Rahima</b>"}}).json
    assert "&lt;b&gt;Rahima" in preview["html"]
    assert client.post(f"{path}/preview").status == 200
    assert client.post(f"{path}/check").json["ok"] is True
    assert [t["version"] for t in client.get("/templates", page=1).json["templates"]] == [2]
    assert client.get("/templates", page=2).json["templates"] == []
    assert client.delete(path).status == 204
    assert client.get(path).status == 404


def test_a_campaign_goes_through_its_states(client: Client) -> None:
    body = {
        "campaign_name": "Eid", "campaign_type": "acquisition", "campaign_objective": "sales", "channels": ["email"],
        "budget": 50000.0, "start_date": "2026-01-10T00:00:00", "end_date": "2026-01-25T23:59:59Z",
    }  # fmt: skip
    made = client.post("/campaigns", body)
    assert (made.status, made.json["status"], made.json["budget"]) == (201, "draft", 50000.0)
    assert made.json["start_date"] == "2026-01-09T18:00:00.000Z"
    path = f"/campaigns/{made.json['id']}"
    assert client.put(path, {"budget": 75000.0}).json["budget"] == 75000.0
    assert client.post(f"{path}/approve").json["approved_by"] == "key:admin"
    assert client.post(f"{path}/launch").status == 202
    assert client.post(f"{path}/pause", {"reason": "stock is out"}).json["status"] == "paused"
    assert client.post(f"{path}/resume").json["status"] == "active"
    assert client.post(f"{path}/cancel").json["status"] == "cancelled"
    assert client.get(path).json["version"] > 1


def test_012_an_illegal_transition_is_a_conflict(client: Client) -> None:
    body = {"campaign_name": "Eid", "campaign_type": "email"}
    path = f"/campaigns/{client.post('/campaigns', body).json['id']}"
    client.post(f"{path}/cancel")
    for act in ("resume", "launch", "pause", "cancel", "approve"):
        refused = client.post(f"{path}/{act}")
        assert (refused.status, refused.code.startswith("campaign_cannot_be_")) == (409, True)
    assert client.put(path, {"campaign_name": "x"}).status == 409


CRITERIA = {
    "conditions": [{"field": "customer_lifetime_value", "operator": "greater_than", "value": 100}],
    "logic": "AND",
}


def test_a_segment_is_counted_listed_and_changed(client: Client) -> None:
    for n, amount in enumerate((50, 150, 250)):
        client.post("/customers", {"external_id": f"x{n}", "email": f"p{n}@example.com"})
        client.post("/events", {"external_id": f"x{n}", "type": "purchase", "amount": amount, "order_id": f"o{n}"})
    assert client.post("/segments/preview", {"criteria": CRITERIA}).json["customer_count"] == 2
    made = client.post(
        "/segments", {"segment_name": "High value", "segment_name_bn": "উচ্চ মূল্যের", "criteria": CRITERIA}
    )
    assert (made.status, made.json["customer_count"], made.json["last_updated"]) == (201, 0, None)
    path = f"/segments/{made.json['id']}"
    refreshed = client.post(f"{path}/refresh")
    assert (refreshed.status, refreshed.json["customer_count"]) == (202, 2)
    people = client.get(f"{path}/customers", sort="customer_lifetime_value_desc", limit=1)
    assert [(c["email"], c["customer_lifetime_value"]) for c in people.json["customers"]] == [("p2@example.com", 250.0)]
    second = client.get(f"{path}/customers", sort="customer_lifetime_value_desc", limit=1, after=people.json["after"])
    assert [c["email"] for c in second.json["customers"]] == ["p1@example.com"]
    numbered = client.get(f"{path}/customers", sort="customer_lifetime_value_desc", limit=1, page=2)
    assert numbered.json["customers"] == second.json["customers"]
    assert client.put(path, {"segment_name": "Best"}, If_Match='"1"').json["segment_name"] == "Best"
    assert client.put(path, {"segment_name": None}).fields == ["segment_name"]
    assert client.delete(path).status == 204


def test_009_a_cursor_of_one_order_does_not_open_another(client: Client) -> None:
    client.post("/customers/batch", {"customers": [{"external_id": f"x{n}"} for n in range(3)]})
    made = client.post("/segments", {"segment_name": "x", "criteria": CRITERIA | {"conditions": [
        {"field": "total_orders", "operator": "less_than", "value": 5}]}})  # fmt: skip
    assert made.status == 201, made.text
    path = f"/segments/{made.json['id']}/customers"
    after = client.get(path, limit=1).json["after"]
    assert after is not None
    assert client.get(path, limit=1, after=after, sort="total_orders_asc").code == "bad_cursor"
    assert client.get("/customers", limit=1, after=after).code == "bad_cursor"
    assert client.get(path, limit=1, after=after, page=2).fields == ["page"]
    assert client.get(path, limit=100, page=101).fields == ["page"]


def test_008_criteria_that_cannot_be_used_are_named_by_place(client: Client) -> None:
    deep: object = CRITERIA["conditions"][0]
    for _ in range(25):
        deep = {"conditions": [deep], "logic": "AND"}
    assert client.post("/segments/preview", {"criteria": deep}).status == 422
    wrong = {"conditions": [{"field": "nothing_like_it", "operator": "equals", "value": 1}], "logic": "AND"}
    assert client.post("/segments/preview", {"criteria": wrong}).fields == ["criteria.conditions.0.field"]


def ready(client: Client) -> str:
    """An e-mail campaign that could be launched; answers its path."""
    client.post("/senders", {"sender_email": "news@shop.example", "display_name": "Shop"})
    client.post("/senders/news@shop.example/verify")
    template = client.post("/templates", TEMPLATE).json["id"]
    segment = client.post("/segments", {"segment_name": "x", "criteria": CRITERIA}).json["id"]
    body = {
        "campaign_name": "Eid", "subject_line": "Eid", "sender_name": "Shop", "sender_email": "news@shop.example",
        "template_id": template, "target_segments": [segment],
    }  # fmt: skip
    made = client.post("/email-campaigns", body)
    assert made.status == 201, made.text
    return f"/email-campaigns/{made.json['id']}"


def test_an_email_campaign_is_checked_launched_steered_and_reported(client: Client) -> None:
    path = ready(client)
    assert client.post(f"{path}/check").json["ok"] is True
    tried = client.post(f"{path}/test", {"test_emails": ["me@shop.example"], "test_data": {"first_name": "Me"}})
    assert tried.json["results"] == [{"email": "me@shop.example", "outcome": "accepted", "code": None}]
    before = client.get(f"{path}/performance").json
    assert before["accounting"] == {"audience": 0, "people": {}}
    launched = client.post(f"{path}/launch", Idempotency_Key="once")
    again = client.post(f"{path}/launch", Idempotency_Key="once")
    assert (launched.status, again.json["run_id"]) == (202, launched.json["run_id"])
    assert client.post(f"{path}/launch").code == "campaign_cannot_be_launched"
    assert client.post(f"{path}/pause", {"reason": "typo"}).json["pause_reason"] == "typo"
    assert client.post(f"{path}/resume").json["status"] == "sending"
    run = client.get(f"/runs/{launched.json['run_id']}").json
    assert (run["status"], run["accounting"]["audience"]) == ("planning", 0)
    assert client.post(f"{path}/cancel").json["status"] == "cancelled"
    assert client.get("/email-campaigns", status="cancelled").json["email_campaigns"][0]["run_id"] == run["id"]
    actions = [e["action"] for e in client.get("/audit-log").json["entries"]]
    assert "email_campaign.launch" in actions


def test_013_a_time_that_cannot_be_is_refused(client: Client) -> None:
    path = ready(client)
    for at in ("2026-01-05T08:59:00Z", "2027-02-01T00:00:00Z"):
        assert client.post(f"{path}/schedule", {"scheduled_time": at}).fields == ["scheduled_time"]
    assert (
        client.post(f"{path}/schedule", {"scheduled_time": "2026-01-06T09:00:00", "timezone": "Mars/X"}).status == 422
    )
    done = client.post(f"{path}/schedule", {"scheduled_time": "2026-01-06T09:00:00", "timezone": "Asia/Dhaka"})
    assert (done.json["status"], done.json["scheduled_time"]) == ("scheduled", "2026-01-06T03:00:00.000Z")


def test_020_nobody_approves_a_campaign_of_their_own_under_four_eyes(client: Client) -> None:
    path = ready(client)
    client.put("/tenant", {"four_eyes": True, "approval_required": True})
    assert client.post(f"{path}/launch").status in (403, 409)
    assert client.post(f"{path}/approve").code == "four_eyes"
    assert client.as_(role="approver").post(f"{path}/approve").status == 200
    assert client.post(f"{path}/launch").status == 202


def test_015_a_header_cannot_be_smuggled_in(client: Client) -> None:
    path = ready(client)
    for field in ("subject_line", "sender_name"):
        assert client.put(path, {field: "Hi\r\nBcc: all@example.com"}).fields == [field]


def test_campaigns_are_listed_with_sums_and_numbered_pages(client: Client) -> None:
    for n in range(3):
        body = {
            "campaign_name": f"c{n}",
            "campaign_type": "sms" if n == 2 else "retention",
            "campaign_objective": "sales",
        }
        made = client.post("/campaigns", body | {"channels": ["email"], "budget": 100.5})
        assert made.status == 201, made.text
    first = client.get("/campaigns", limit=2).json
    assert (first["total_count"], first["summary"]["total_budget"], len(first["campaigns"])) == (3, 301.5, 2)
    rest = client.get("/campaigns", limit=2, after=first["after"]).json
    assert (len(rest["campaigns"]), rest["after"]) == (1, None)
    assert client.get("/campaigns", limit=2, page=2).json["campaigns"] == rest["campaigns"]
    assert client.get("/campaigns", campaign_type="retention").json["total_count"] == 2
    assert client.get("/campaigns", status="finished").fields == ["status"]
    one = first["campaigns"][0]["id"]
    assert client.get(f"/campaigns/{one}/analytics").json["overview"]["roi"] is None


def test_a_file_is_imported_row_by_row_and_again_changes_nothing(client: Client) -> None:
    client.post("/attributes", {"name": "points", "type": "number"})
    rows = ["email,first_name,tags,attributes.points,email_consent", "rahima@example.com,রহিমা,vip; new,12,yes"]
    rows += ["nobody,X,,,no", "karim@example.com,Karim,,many,no", "lily@example.com,Lily,,,no", ",,,,", "a,b,c,1,no,6"]
    text = "\ufeff" + "\r\n".join(rows) + "\r\n"

    def send() -> dict[str, object]:
        query = {"consent_text_version": "v1"}
        reply = client.call("POST", "/imports", text, query=query, Content_Type="text/csv")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    first = send()
    assert [first[k] for k in ("rows", "created", "failed")] == [5, 2, 3]
    assert [(e["row"], e["code"]) for e in first["errors"]] == [  # type: ignore[attr-defined]
        (3, "invalid_email"), (4, "not_a_number"), (7, "too_many_cells"),
    ]  # fmt: skip
    rahima = client.get("/customers").json["customers"]
    customer = next(c for c in rahima if c["email"] == "rahima@example.com")
    assert (customer["tags"], customer["attributes"]) == (["new", "vip"], {"points": 12})
    path = f"/customers/{customer['id']}/consent"
    assert client.get(f"{path}/gate").json["granted"] == ["em:m"]
    assert [send()[k] for k in ("created", "updated", "unchanged")] == [0, 0, 2]
    assert len(client.get(path).json["entries"]) == 1
    client.post("/email-campaigns/unsubscribe", {"email": "rahima@example.com"})
    assert "withdrawn_before" in [e["code"] for e in send()["errors"]]  # type: ignore[attr-defined]
    assert client.get(f"{path}/gate").json["granted"] == []


@pytest.mark.parametrize(
    ("text", "status"),
    [("", 400), ("email\n\"open", 400), ("email,shoe\na@example.com,43", 422), ("email,email\na,b", 422),
     ("email,email_consent\na@example.com,yes", 422), ("email\n" + "a@example.com\n" * 5001, 422), ("x" * 300_000, 413)],
)  # fmt: skip
def test_a_file_that_cannot_be_used_stores_nothing(client: Client, text: str, status: int) -> None:
    assert client.call("POST", "/imports", text, Content_Type="text/csv").status == status
    assert client.get("/customers").json["customers"] == []
