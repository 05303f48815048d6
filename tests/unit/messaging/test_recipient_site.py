"""The public endpoints on memory: what each request may change, and what none may."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from meghdoot.adapters.memory.consent import MemoryConsentLedger, MemorySuppressions, MemoryWithdrawalLog
from meghdoot.adapters.memory.gates import GateStore
from meghdoot.adapters.memory.touches import MemoryRunLinks, MemoryTouches
from meghdoot.areas.consent.model import ContactGate, Withdrawal
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.content.model import Link, PersonLinks
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.areas.messaging.recipients import RecipientService
from meghdoot.areas.messaging.touching import Touch
from meghdoot.http.recipients import BODY_LIMIT, PIXEL, RecipientSite, safe_location
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


@pytest.fixture
def world() -> World:
    return World()


def multipart(fields: dict[str, str]) -> tuple[bytes, str]:
    parts = [f'--XyZ\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    return ("".join(parts) + "--XyZ--\r\n").encode(), "multipart/form-data; boundary=XyZ"


# --- unsubscribe ---------------------------------------------------------------------------------


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


# --- tokens --------------------------------------------------------------------------------------


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


# --- links ---------------------------------------------------------------------------------------


def test_a_click_leads_to_the_runs_link_and_is_kept_once(world: World) -> None:
    base = world.addresses().click_base
    for number in (1, 1, 2):
        response = world.ask("GET", f"{base}{number}")
        assert response["statusCode"] == 302
    assert response["headers"]["Location"] == "https://shop.example/2"
    assert world.kinds() == [("click", 1), ("link_click", 2)], "the first click is one write, and names its link"


def test_a_stored_address_becomes_a_header_that_can_be_sent(world: World) -> None:
    location = world.ask("GET", world.addresses().click_base + "2")["headers"]["Location"]
    assert location == "https://shop.example/2"
    assert safe_location("https://shop.example/চা?a=%20&b=c#d") == "https://shop.example/%E0%A6%9A%E0%A6%BE?a=%20&b=c#d"


@pytest.mark.parametrize(
    "tail",
    [
        "1?url=https://evil.example", "1?next=//evil.example", "//evil.example", "\\@evil.example", "1/https://evil.example",
        "%0d%0aLocation:%20https://evil.example", "1\r\nLocation: https://evil.example", "-1", "0x1", "99", "00001", "১",
        "1%2f..%2fhttps:evil.example",
    ],
)  # fmt: skip
def test_110_nothing_in_a_request_chooses_where_it_leads(world: World, tail: str) -> None:
    before = world.state()
    path, _, query = (world.addresses().click_base.removeprefix(BASE) + tail).partition("?")
    event = visit("GET", path) | {"queryStringParameters": dict([query.split("=", 1)]) if query else None}
    response = world.site().answer(event)
    if query:
        assert response["headers"]["Location"] != query.split("=", 1)[1]
        return
    assert response["statusCode"] == 404
    assert "Location" not in response["headers"]
    assert world.state() == before


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//evil.example",
        "/relative",
        "https://a.example/\r\nX: y",
        "https://",
        "data:text/html,x",
        None,
    ],
)
def test_110_only_a_web_address_is_ever_redirected_to(url: str | None) -> None:
    assert safe_location(url) is None


def test_110_another_runs_links_are_not_this_runs(world: World) -> None:
    world.links.put("other", RUN, [Link(7, "https://other.example")])
    assert world.ask("GET", world.addresses().click_base + "7")["statusCode"] == 404


def test_114_machines_clicks_are_kept_apart(world: World) -> None:
    base = world.addresses().click_base
    world.ask("GET", base + "1", user_agent="curl/8.4.0")
    assert world.ask("GET", base + "0")["statusCode"] == 404
    world.ask("GET", base + "2")
    assert world.kinds() == [("machine_click", 1), ("machine_click", 0), ("machine_click", 2)]
    world.clock.advance(minutes=5)
    world.ask("GET", base + "2")
    assert world.kinds()[3:] == [("click", 2)]


def test_114_a_click_faster_than_anybody_is_a_machines(world: World) -> None:
    base = world.addresses(issued_at=world.clock.at - timedelta(seconds=1)).click_base
    assert world.ask("GET", base + "1")["statusCode"] == 302
    assert world.kinds() == [("machine_click", 1)]


def test_111_head_and_options_of_links_and_pixels_change_nothing(world: World) -> None:
    own, before = world.addresses(), world.state()
    for method in ("HEAD", "OPTIONS"):
        assert world.ask(method, own.click_base + "1")["body"] == ""
        assert world.ask(method, own.pixel_url)["body"] == ""
    assert world.ask("HEAD", own.click_base + "1")["statusCode"] == 302
    for method in ("POST", "PUT", "DELETE", ""):
        assert world.ask(method, own.click_base + "1")["statusCode"] == 405
    assert world.state() == before


def test_116_after_erasure_a_link_still_leads_and_nothing_is_stored(world: World) -> None:
    world.gates.delete("acme", CUSTOMER)
    own, before = world.addresses(), world.state()
    assert world.ask("GET", own.click_base + "2")["headers"]["Location"] == "https://shop.example/2"
    assert world.ask("GET", own.pixel_url)["statusCode"] == 200
    assert world.state() == before


def test_a_reader_is_sent_on_while_the_table_is_down_and_the_loss_is_logged(world: World) -> None:
    world.touches.broken = True
    assert world.ask("GET", world.addresses().click_base + "2")["statusCode"] == 302
    assert world.ask("GET", world.addresses().pixel_url)["statusCode"] == 200
    assert [decision for decision, _ in world.lines] == ["touch_lost", "touch_lost"]


# --- pixel ---------------------------------------------------------------------------------------


def test_the_pixel_is_43_bytes_and_never_cached(world: World) -> None:
    response = world.ask("GET", world.addresses().pixel_url)
    assert response["isBase64Encoded"]
    assert b64decode(response["body"]) == PIXEL
    assert (len(PIXEL), PIXEL[:6]) == (43, b"GIF89a")
    assert response["headers"]["Content-Type"] == "image/gif"
    assert response["headers"]["Cache-Control"].startswith("no-store")
    assert world.kinds() == [("open", None)]


def test_114_an_open_of_apples_proxy_is_a_machines(world: World) -> None:
    world.ask("GET", world.addresses().pixel_url, user_agent="Mozilla/5.0")
    assert world.kinds() == [("machine_open", None)]


def test_115_a_flood_of_pixels_is_one_open(world: World) -> None:
    for _ in range(1000):
        world.ask("GET", world.addresses().pixel_url)
    assert world.kinds() == [("open", None)]


# --- everything ----------------------------------------------------------------------------------


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
