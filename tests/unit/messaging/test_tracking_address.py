"""Pixels and links by an address of their own; the unsubscribe page stays with the gateway."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meghdoot.areas.messaging.mails import _moved
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.http.light import read_request
from meghdoot.kernel.keyring import Keyring
from tests.support.killing import CONTENT, World

KEYS = Keyring({"k1": b"0" * 32}, "k1")
IDS: dict[str, Any] = {"tenant": "acme", "run_id": "r1", "customer_id": "c1", "send_key": "k", "channel": "email"}


def test_only_pixel_and_links_move_to_the_other_address() -> None:
    links = person_links(CONTENT.public_url, KEYS, **IDS)
    moved = _moved(links, CONTENT.public_url, "https://t.example")
    assert moved.unsubscribe_url == links.unsubscribe_url
    assert moved.pixel_url == links.pixel_url.replace(CONTENT.public_url, "https://t.example")
    assert moved.click_base == links.click_base.replace(CONTENT.public_url, "https://t.example")


def test_a_run_keeps_the_address_that_it_was_made_with() -> None:
    world = World(1)
    run = world.launch(content=replace(CONTENT, tracking_url="https://t.example"))
    person = next(iter(world.audience.read(world.queue.take()[0])))
    sent = world.mails._links(run, person, "k", run.started_at)
    assert sent.pixel_url.startswith("https://t.example/o/")
    assert sent.unsubscribe_url.startswith(CONTENT.public_url + "/u/")


def test_a_request_by_a_functions_own_address_is_read_like_one_of_the_gateway() -> None:
    event = {
        "version": "2.0", "rawPath": "/o/token.gif", "headers": {"User-Agent": "x"}, "isBase64Encoded": False,
        "requestContext": {"http": {"method": "get", "path": "/o/token.gif", "sourceIp": "203.0.113.7"}},
    }  # fmt: skip
    read = read_request(event, 100)
    assert (read.method, read.path, read.ip, read.user_agent) == ("GET", "/o/token.gif", "203.0.113.7", "x")
