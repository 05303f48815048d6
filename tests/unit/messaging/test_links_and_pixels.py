"""Links and pixels on memory: where they lead, whom they count, and what a machine is."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta

import pytest

from meghdoot.areas.content.model import Link
from meghdoot.http.recipients import PIXEL, safe_location
from tests.support.recipient_world import BASE, CUSTOMER, RUN, World
from tests.support.visits import visit


@pytest.fixture
def world() -> World:
    return World()


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
