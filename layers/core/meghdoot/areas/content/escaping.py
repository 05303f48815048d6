"""How a value is written, by the place where it stands. Every printed value goes through exactly one of these."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape as html_escape
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from meghdoot.areas.content.filters import text
from meghdoot.areas.content.program import RenderFailed

HTML, URL, PATH, QUERY, CSS, TEXT, LINE = "_html", "_url", "_path", "_query", "_css", "_text", "_line"

_SAFE_URL = re.compile(r"(?:https?://|mailto:|tel:|#)[^\s\x00-\x20\x7f<>\"\\]*", re.IGNORECASE)
_SAFE_CSS = re.compile(r"[#A-Za-z0-9 .,%-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ue000-\ue003\ud800-\udfff]")
_LINE_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ue000-\ue003\ud800-\udfff]")


def plain(value: Any) -> str:
    """As it is, for text parts. Raises RenderFailed for control characters."""
    shown = text(value)
    if not shown.isprintable() and _CONTROL.search(shown):
        raise RenderFailed("a value holds a control character")
    return shown


def line(value: Any) -> str:
    """For a subject. Raises RenderFailed for a line break or control character, so that no header can be added."""
    shown = text(value)
    if not shown.isprintable() and _LINE_CONTROL.search(shown):
        raise RenderFailed("a value in the subject holds a line break or control character")
    return shown


def for_html(value: Any) -> str:
    """Between tags and inside quoted attributes."""
    return html_escape(plain(value))


def for_url(value: Any) -> str:
    """A whole address in `href` or `src`. Raises RenderFailed for anything but http, https, mailto, tel and #."""
    shown = plain(value).strip()
    if not _SAFE_URL.fullmatch(shown):
        raise RenderFailed("this is no address that a link may have")
    return html_escape(shown)


def for_path(value: Any) -> str:
    """A piece of an address before its question mark."""
    return quote(plain(value), safe="/")


def for_query(value: Any) -> str:
    """A piece of an address behind its question mark."""
    return quote(plain(value), safe="")


def for_css(value: Any) -> str:
    """In a `style` attribute: a colour, a size. Raises RenderFailed for anything that could be more."""
    shown = plain(value)
    if not _SAFE_CSS.fullmatch(shown):
        raise RenderFailed("this is no plain value of a style")
    return shown


WRITERS: dict[str, Callable[[Any], str]] = {
    HTML: for_html, URL: for_url, PATH: for_path, QUERY: for_query, CSS: for_css, TEXT: plain, LINE: line,
}  # fmt: skip


def _as_markup(write: Callable[[Any], str]) -> Callable[[Any], Markup]:
    # The writer has escaped the value for its place; marking it keeps autoescape from doing so again.
    return lambda value: Markup(write(value))  # noqa: S704


WRITER_FILTERS: dict[str, Callable[[Any], str]] = {name: _as_markup(write) for name, write in WRITERS.items()}
