"""Tracked links: every address of a run has a number, and the mail holds the number, never the address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from meghdoot.areas.content.model import Link
from meghdoot.kernel.errors import Invalid

HONEYPOT = 0
"""The number of the hidden link: who follows it is no person."""
MAX_LINKS = 500
MAX_URL = 2000

_ANCHOR = re.compile(
    r"<!--.*?-->|<(style|script)\b.*?</\1|<(?:a|area)\s(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL | re.IGNORECASE
)
_HREF = re.compile(r"(\shref\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s>\"']+)", re.IGNORECASE)
_TEXT_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_TRAILING = ".,;:!?)]}»”’।"


class LinkTable:
    """The links of a run, numbered from 1 in the order in which they are first met; the same address has one number.

    A table made from a run's stored links gives the same numbers when the mail is compiled again.
    """

    def __init__(self, links: Iterable[Link] = ()) -> None:
        self._numbers = {link.url: link.number for link in links}

    def number(self, url: str) -> int:
        """The number of an address, new if need be. Raises Invalid (`bad_link`, `too_many_links`)."""
        if url not in self._numbers:
            _check(url)
            if len(self._numbers) >= MAX_LINKS:
                raise Invalid(f"a run has at most {MAX_LINKS} links", code="too_many_links")
            self._numbers[url] = max(self._numbers.values(), default=HONEYPOT) + 1
        return self._numbers[url]

    @property
    def links(self) -> tuple[Link, ...]:
        """All links by number."""
        return tuple(Link(number, url) for url, number in sorted(self._numbers.items(), key=lambda row: row[1]))


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    bad_character = any(ch <= " " or ch in '<>"\\^`{|}\x7f' for ch in url)
    if not host or parts.username is not None or len(url) > MAX_URL or bad_character:
        raise Invalid.field("html_content", "bad_link", f"{url[:80]} is no address that can be linked to")


def with_utm(url: str, utm: Mapping[str, str]) -> str:
    """The address with UTM parameters behind its own; those that it has already, its query and fragment stay."""
    try:
        parts = urlsplit(url)
    except ValueError as e:
        raise Invalid.field("html_content", "bad_link", f"{url[:80]} is no address that can be linked to") from e
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode([(name, value) for name, value in utm.items() if value and name not in present])
    if not added:
        return url
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


Tracker = Callable[[str], str]
"""From a literal address to what stands in the mail for it."""


def track_html(html: str, tracker: Tracker) -> str:
    """Replace the `href` of every link with a literal http address; all else stays."""

    def anchor(match: re.Match[str]) -> str:
        tag = match[0]
        return tag if tag.startswith("<!--") or match[1] else _HREF.sub(href, tag, count=1)

    def href(match: re.Match[str]) -> str:
        target = unescape(match[2].strip("\"'")).strip()
        return f'{match[1]}"{tracker(target)}"' if is_literal(target) else match[0]

    return _ANCHOR.sub(anchor, html)


def track_text(text: str, tracker: Tracker) -> str:
    """Replace every literal http address in a text."""

    def address(match: re.Match[str]) -> str:
        url = match[0].rstrip(_TRAILING)
        return tracker(url) + match[0][len(url) :] if is_literal(match[0]) else match[0]

    return _TEXT_URL.sub(address, text)


def is_literal(target: str) -> bool:
    """Whether an address is http and the same for everybody."""
    return target.lower().startswith(("http://", "https://")) and "\ue000" not in target
