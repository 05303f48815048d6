"""Who opened or clicked: a person, or one of the machines that read mail before people do.

What a machine did is kept, under its own kind; headline numbers, A/B winners and branches leave it out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from meghdoot.areas.consent.rules import UNSUBSCRIBE_REASONS

HONEYPOT = 0
"""The number of a link that no person can see."""
INSTANT = timedelta(seconds=2)
"""Nobody reads a mail and clicks within this time after it was accepted."""
TRAPPED = timedelta(seconds=30)
"""A scanner follows all links of a mail within this time of the one that only machines see."""

# The second of issue is cut off, and a wave takes up to a second from making its mails to having them accepted.
_ISSUE_SLACK = timedelta(seconds=2)

# Apple's privacy proxy says only this, and loads every picture whether the mail is read or not.
_APPLE_PROXY = "Mozilla/5.0"
# Parts of user agents, in lower case. Plain texts: compiling a pattern would cost five milliseconds of every cold start.
_MACHINES = (
    "googleimageproxy", "ggpht.com", "yahoomailproxy", "yahoocachesystem", "seznam-email",
    "bot/", "bot;", "bot)", "bot-", "bot_", "bot ", "crawl", "spider", "slurp", "scan", "preview",
    "headless", "phantomjs", "puppeteer", "playwright", "selenium",
    "python", "curl/", "wget", "libwww", "go-http-client", "java/", "okhttp", "httpclient", "axios", "node-fetch",
    "ruby", "perl", "php/", "postman",
    "barracuda", "proofpoint", "mimecast", "symantec", "messagelabs", "trendmicro", "fireeye", "sophos", "ironport",
    "forcepoint", "safelinks", "facebookexternalhit", "whatsapp/", "monitor", "uptime", "validator", "check_http",
    "amazon cloudfront", "cloudflare",
)  # fmt: skip
_TELEPHONE = "cubot"

Kind = Literal["person", "machine"]


def reader(user_agent: str | None) -> Kind:
    """Who asked, as far as the user agent tells. One that says nothing is a machine."""
    text = (user_agent or "").strip()
    if text in ("", _APPLE_PROXY):
        return "machine"
    words = text.lower().replace(_TELEPHONE, "") + " "
    return "machine" if any(part in words for part in _MACHINES) else "person"


def open_kind(method: str, user_agent: str | None) -> Literal["open", "machine_open"]:
    """What the loading of the pixel was."""
    return "open" if method == "GET" and reader(user_agent) == "person" else "machine_open"


def click_kind(
    method: str,
    user_agent: str | None,
    number: int,
    at: datetime,
    *,
    accepted_at: datetime | None = None,
    issued_at: datetime | None = None,
    trapped_at: datetime | None = None,
) -> Literal["click", "machine_click"]:
    """What the following of a link was.

    `accepted_at` is when the provider took the message, `issued_at` when the link was made (the next best), and
    `trapped_at` when the honeypot of the same message was followed.
    """
    by_robot = method != "GET" or number == HONEYPOT or reader(user_agent) == "machine"
    too_fast = is_instant(at, accepted_at=accepted_at, issued_at=issued_at)
    with_trap = trapped_at is not None and abs(at - trapped_at) <= TRAPPED
    return "machine_click" if by_robot or too_fast or with_trap else "click"


def is_instant(at: datetime, *, accepted_at: datetime | None, issued_at: datetime | None) -> bool:
    """Whether something came faster than a person can act."""
    if accepted_at is not None:
        return at - accepted_at < INSTANT
    return issued_at is not None and at - issued_at < INSTANT + _ISSUE_SLACK


def known_reason(text: str | None) -> str | None:
    """A reason of the closed list, or None: what stands in reports."""
    return text if text in UNSUBSCRIBE_REASONS else None
