from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.areas.messaging import touch_rules

NOW = datetime(2026, 1, 5, 9, 0, 10, tzinfo=UTC)
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Mobile Safari/537.36"
)
PEOPLE = [
    PHONE,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/100 Mobile Safari/537.36",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17126; Pro)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Thunderbird/115.6.0",
]
MACHINES = [
    None,
    "",
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 HeadlessChrome/120.0",
    "python-requests/2.31.0",
    "curl/8.4.0",
    "Go-http-client/1.1",
    "BarracudaCentral scanner",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
]


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_people_are_people(user_agent: str) -> None:
    assert touch_rules.open_kind("GET", user_agent) == "open"
    assert touch_rules.click_kind("GET", user_agent, 3, NOW) == "click"


@pytest.mark.parametrize("user_agent", MACHINES)
def test_114_proxies_and_robots_are_machines(user_agent: str | None) -> None:
    assert touch_rules.open_kind("GET", user_agent) == "machine_open"
    assert touch_rules.click_kind("GET", user_agent, 3, NOW) == "machine_click"


def test_114_a_head_request_is_a_machines() -> None:
    assert touch_rules.open_kind("HEAD", PHONE) == "machine_open"
    assert touch_rules.click_kind("HEAD", PHONE, 3, NOW) == "machine_click"


def test_114_the_honeypot_is_followed_by_machines_only_and_betrays_its_neighbours() -> None:
    assert touch_rules.click_kind("GET", PHONE, touch_rules.HONEYPOT, NOW) == "machine_click"
    close, late = NOW + timedelta(seconds=30), NOW + timedelta(seconds=31)
    assert touch_rules.click_kind("GET", PHONE, 3, close, trapped_at=NOW) == "machine_click"
    assert touch_rules.click_kind("GET", PHONE, 3, late, trapped_at=NOW) == "click"


@pytest.mark.parametrize(("seconds", "kind"), [(0.0, "machine_click"), (1.99, "machine_click"), (2.0, "click")])
def test_114_a_click_within_two_seconds_of_acceptance_is_a_machines(seconds: float, kind: str) -> None:
    at = NOW + timedelta(seconds=seconds)
    assert touch_rules.click_kind("GET", PHONE, 3, at, accepted_at=NOW) == kind


@pytest.mark.parametrize(("seconds", "kind"), [(3.9, "machine_click"), (4.0, "click")])
def test_114_without_an_acceptance_the_making_of_the_link_is_the_measure(seconds: float, kind: str) -> None:
    at = NOW + timedelta(seconds=seconds)
    assert touch_rules.click_kind("GET", PHONE, 3, at, issued_at=NOW) == kind
    assert touch_rules.click_kind("GET", PHONE, 3, at, accepted_at=NOW, issued_at=NOW) == "click"


def test_only_reasons_of_the_list_stand_in_reports() -> None:
    assert touch_rules.known_reason("too_frequent") == "too_frequent"
    assert touch_rules.known_reason("<script>") is None
    assert touch_rules.known_reason(None) is None
