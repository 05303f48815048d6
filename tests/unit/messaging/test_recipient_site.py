"""The public endpoints on memory, unsubscribing and tokens: what each request may change, and what none may."""

from __future__ import annotations

import re
from typing import Any

import pytest

from meghdoot.areas.messaging.person_links import person_links
from meghdoot.http.recipients import BODY_LIMIT
from meghdoot.kernel.keyring import Keyring
from tests.support.recipient_world import BASE, CUSTOMER, FORM, ONE_CLICK, OTHER, RUN, World, multipart
from tests.support.visits import visit


@pytest.fixture
def world() -> World:
    return World()


def test_111_a_thousand_requests_of_scanners_change_nothing(world: World) -> None:
    before = world.state()
    url = world.addresses().unsubscribe_url
    agents = [None, "Mozilla/5.0", "BarracudaCentral", "curl/8", "Mozilla/5.0 (Windows NT 10.0) Chrome/120"]
    for n in range(1000):
        method = ("GET", "GET", "HEAD", "OPTIONS")[n % 4]
        response = world.ask(method, url, user_agent=agents[n % 5], X_Forwarded_For=f"198.51.100.{n % 250}")
        assert response["statusCode"] == (204 if method == "OPTIONS" else 200)
        assert "Location" not in response["headers"]
    assert world.state() == before


def test_111_get_shows_a_page_with_a_form_that_posts_to_itself(world: World) -> None:
    response = world.ask("GET", world.addresses().unsubscribe_url)
    assert '<form method="post">' in response["body"]
    assert '<html lang="en">' in response["body"]
    assert response["headers"]["Cache-Control"].startswith("no-store")
    assert "default-src 'none'" in response["headers"]["Content-Security-Policy"]
    assert "Set-Cookie" not in response["headers"]


def test_the_page_speaks_the_persons_language(world: World) -> None:
    response = world.ask("GET", world.addresses(language="bn").unsubscribe_url)
    assert '<html lang="bn">' in response["body"]
    assert "বন্ধ করুন" in response["body"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, FORM),
        (ONE_CLICK.encode(), FORM),
        (ONE_CLICK, f"{FORM}; charset=utf-8"),
        multipart({"List-Unsubscribe": "One-Click"}),
        (None, None),
        ("rubbish%%%", "text/plain"),
        (b"\xff\xfe\x00", "multipart/form-data"),
    ],
)
def test_111_a_one_click_post_unsubscribes_without_cookie_or_redirect(
    world: World, body: str | bytes | None, content_type: str | None
) -> None:
    response = world.ask("POST", world.addresses().unsubscribe_url, body, content_type, user_agent="Google-Mail")
    assert response["statusCode"] == 200
    assert not {"Location", "Set-Cookie"} & set(response["headers"])
    assert world.granted() == {"sm:m"}
    (entry,) = world.consent.history("acme", CUSTOMER).items
    assert (entry.source, entry.ip, entry.user_agent, entry.evidence) == (
        "one_click", "203.0.113.7", "Google-Mail", "aa" * 16,
    )  # fmt: skip
    assert [(line.kind, line.customer_id) for line in world.log.lines] == [("unsubscribe", CUSTOMER)]
    assert world.kinds() == [("unsubscribe", None)]


def test_111_a_second_post_is_200_and_changes_nothing(world: World) -> None:
    url = world.addresses().unsubscribe_url
    world.ask("POST", url, ONE_CLICK, FORM)
    before = world.state()
    world.clock.advance(days=2)
    assert world.ask("POST", url, ONE_CLICK, FORM)["statusCode"] == 200
    assert world.state() == before


def test_112_a_link_of_an_older_key_works_years_later(world: World) -> None:
    url = world.addresses().unsubscribe_url
    world.keyring = Keyring({"k1": b"1" * 32, "k2": b"2" * 32}, "k2")
    world.clock.advance(days=3650)
    assert world.ask("POST", url, ONE_CLICK, FORM)["statusCode"] == 200
    assert world.granted() == {"sm:m"}


def test_113_only_the_person_of_the_token_is_unsubscribed_and_only_from_its_channel(world: World) -> None:
    world.ask("POST", world.addresses().unsubscribe_url, ONE_CLICK, FORM)
    assert world.granted() == {"sm:m"}
    assert world.granted(OTHER) == {"em:m", "sm:m"}


@pytest.mark.parametrize("as_multipart", [False, True])
def test_113_the_pages_own_form_can_stop_everything_and_keeps_the_reason(world: World, as_multipart: bool) -> None:
    fields = {"page": "1", "reason": "too_frequent", "detail": "প্রতিদিন\x00 <b>", "everything": "1"}
    body, kind = (
        multipart(fields) if as_multipart else (b"page=1&reason=too_frequent&everything=1&detail=%E0%A6%9A", FORM)
    )
    assert world.ask("POST", world.addresses().unsubscribe_url, body, kind)["statusCode"] == 200
    assert world.granted() == frozenset()
    entries = world.consent.history("acme", CUSTOMER).items
    assert [e.channel for e in entries] == ["email", "sms"]
    assert entries[0].source == "unsubscribe_page"
    assert entries[0].reason == ("too_frequent: প্রতিদিন <b>" if as_multipart else "too_frequent: চ")
    assert [touch.reason for touch in world.touches.kept] == ["too_frequent"]
    assert len(world.log.lines) == 2


def test_a_reason_that_is_not_on_the_list_never_stops_an_unsubscribe(world: World) -> None:
    body = "page=1&reason=%3Cscript%3E&detail=" + "x" * 5000
    assert world.ask("POST", world.addresses().unsubscribe_url, body, FORM)["statusCode"] == 200
    (entry,) = world.consent.history("acme", CUSTOMER).items
    assert entry.reason == "x" * 300


def test_a_bucket_that_is_down_makes_the_provider_repeat_while_the_gate_is_closed(world: World) -> None:
    url = world.addresses().unsubscribe_url
    world.log.broken = True
    response = world.ask("POST", url, ONE_CLICK, FORM)
    assert response["statusCode"] >= 500
    assert response["body"] == ""
    assert world.granted() == {"sm:m"}
    assert world.kinds() == []
    world.log.broken = False
    assert world.ask("POST", url, ONE_CLICK, FORM)["statusCode"] == 200
    assert len(world.log.lines) == 1
    assert world.kinds() == [("unsubscribe", None)]


def test_an_erased_person_is_answered_and_nothing_is_stored(world: World) -> None:
    world.gates.delete("acme", CUSTOMER)
    before = world.state()
    assert world.ask("POST", world.addresses().unsubscribe_url, ONE_CLICK, FORM)["statusCode"] == 200
    assert world.state() == before


def test_003_a_body_that_is_too_large_or_broken_is_refused_before_anything_happens(world: World) -> None:
    url = world.addresses().unsubscribe_url
    assert world.ask("POST", url, "x" * (BODY_LIMIT + 1), FORM)["statusCode"] == 413
    assert world.ask("POST", url, b"x" * (BODY_LIMIT + 1), FORM)["statusCode"] == 413
    event = visit("POST", url.removeprefix(BASE), "not base64!")
    assert world.site().answer(event | {"isBase64Encoded": True})["statusCode"] == 400
    assert world.granted() == {"em:m", "sm:m"}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/u/{}"), ("POST", "/u/{}"), ("GET", "/c/{}/1"), ("GET", "/o/{}.gif")]
)
def test_109_a_damaged_foreign_or_misused_token_is_404_and_changes_nothing(
    world: World, method: str, path: str
) -> None:
    before = world.state()
    own = world.addresses()
    tokens = {
        "/c": re.search("/c/(.*)/", own.click_base),
        "/o": re.search("/o/(.*).gif", own.pixel_url),
        "/u": re.search("/u/(.*)", own.unsubscribe_url),
    }
    good = {kind: match[1] for kind, match in tokens.items() if match}
    forger = Keyring({"k1": b"x" * 32}, "k1")
    foreign = person_links(
        BASE, forger, tenant="acme", run_id=RUN, customer_id=CUSTOMER, channel="email", send_key="aa" * 16
    )
    mine = good[path[:2]]
    wrong = [token for kind, token in good.items() if kind != path[:2]]
    wrong += [mine[:-1], mine[1:], mine + "A", mine.replace(".k1.", ".k9."), "..", "a.b.c", "", "%00", "A" * 3000]
    wrong += [foreign.unsubscribe_url.rpartition("/")[2], foreign.click_base.split("/")[-2]]
    for token in wrong:
        assert world.ask(method, path.format(token), ONE_CLICK, FORM)["statusCode"] in (404, 405), token
    assert world.state() == before


def test_a_test_sends_links_say_so_and_change_nothing(world: World) -> None:
    before = world.state()
    own = world.addresses(inert=True)
    for method, url in [("GET", own.unsubscribe_url), ("POST", own.unsubscribe_url), ("GET", own.click_base + "1")]:
        response = world.ask(method, url)
        assert (response["statusCode"], "This was a test" in response["body"]) == (200, True)
    assert world.ask("GET", own.pixel_url)["statusCode"] == 200
    assert world.state() == before


def test_026_logs_hold_ids_only(world: World) -> None:
    world.ask("POST", world.addresses().unsubscribe_url, "page=1&detail=canary@example.com", FORM, user_agent="canary")
    assert world.lines == [("unsubscribed", {"tenant": "acme", "customer_id": CUSTOMER, "send_key": "aa" * 16})]


@pytest.mark.parametrize(
    "event",
    [
        {}, {"httpMethod": "GET"}, {"httpMethod": "GET", "path": "/"}, {"httpMethod": "GET", "path": "/u"},
        {"httpMethod": "GET", "path": "/x/y/z", "headers": None, "requestContext": None},
    ],
)  # fmt: skip
def test_a_request_that_is_none_of_ours_is_an_answer_too(world: World, event: dict[str, Any]) -> None:
    assert world.site().answer(event)["statusCode"] in (404, 405)
