"""The text part of a mail that was written in HTML only."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from meghdoot.areas.content.marks import COMMENT_MARK, bare

_SKIPPED = frozenset({"style", "script", "head", "title"})
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "center", "div", "footer", "header", "hr", "li", "main", "ol", "p", "section",
     "table", "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6"}
)  # fmt: skip
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._skipped = ""
        self._depth = 0
        self._targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._skipped or tag in _SKIPPED or _HIDDEN.search(given.get("style", "")):
            self._skip(tag)
            return
        if tag == "a":
            self._targets.append(given.get("href", ""))
        elif tag == "br":
            self.out.append("\n")
        elif tag == "img" and given.get("alt"):
            self.out.append(f"[{given['alt']}]")
        elif tag in _BLOCKS:
            self.out.append("\n- " if tag == "li" else "\n\n" if tag != "tr" else "\n")
        elif tag in ("td", "th"):
            self.out.append(" ")

    def _skip(self, tag: str) -> None:
        """Skip until the element's own end; what is left open inside does not matter."""
        if not self._skipped and tag not in _VOID:
            self._skipped, self._depth = tag, 1
        elif tag == self._skipped:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._depth -= tag == self._skipped
            self._skipped = self._skipped if self._depth else ""
        elif tag == "a" and self._targets:
            target = self._targets.pop()
            if target and not target.startswith("#"):
                self.out.append(f" ({target.removeprefix('mailto:').removeprefix('tel:')})")
        elif tag in _BLOCKS:
            self.out.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.out.append(re.sub(r"[ \t\r\n\f\xa0]+", " ", data))

    def handle_comment(self, data: str) -> None:
        match = COMMENT_MARK.fullmatch(data)
        if match and not self._skipped:
            self.out.append(bare(match[1]))


def text_of(html: str) -> str:
    """A readable text: blocks on lines of their own, links followed by their address, images by their description."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [re.sub(r" +", " ", line).strip() for line in "".join(reader.out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
