"""Where in an HTML text a value stands, so that it is escaped for that place and refused where none is safe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import nodes

from meghdoot.areas.content import escaping
from meghdoot.areas.content.sandbox import Problem

_RAW_ELEMENTS = frozenset({"style", "script", "title", "textarea"})
_URL_ATTRIBUTES = frozenset({"href", "src", "action", "formaction", "background", "poster", "cite", "xlink:href"})
_AT_HOST = re.compile(r"\s*(?:https?:)?(?://[^/?#]*)?", re.IGNORECASE)
_SPACE = re.compile(r"[\s/]*")
_ELEMENT = re.compile(r"/?[^\s/>]*")
_ATTRIBUTE = re.compile(r"[^\s/>=]*")
_UNQUOTED = re.compile(r"[^\s>]*")
_BLANK = re.compile(r"\s*")


class Scanner:
    """Reads HTML in pieces and knows after each where it stands: `state`, `element`, `attribute` and its `value` so far."""

    def __init__(self) -> None:
        self.state = "text"
        self.element = ""
        self.attribute = ""
        self.value = ""

    @property
    def spot(self) -> tuple[str, str, str]:
        """What must be the same at both ends of a block."""
        inside = self.state not in ("text", "comment")
        quoted = self.state in ("double", "single")
        return self.state, self.element if inside else "", self.attribute if quoted else ""

    def feed(self, data: str) -> None:
        """Read on."""
        position = 0
        while position < len(data):
            position = getattr(self, f"_{self.state}")(data, position)

    def _text(self, data: str, at: int) -> int:
        start = data.find("<", at)
        if start < 0:
            return len(data)
        if data.startswith("<!--", start):
            self.state = "comment"
            return start + 4
        following = data[start + 1 : start + 2]
        if not following or following.isalpha() or following in "/!?":
            self.state, self.element = "open", ""
        return start + 1

    def _open(self, data: str, at: int) -> int:
        match = _ELEMENT.match(data, at)
        end = match.end() if match else at
        self.element += data[at:end].lower()
        if end < len(data):
            self.state = "tag"
        return end

    def _tag(self, data: str, at: int) -> int:
        at = _end(_SPACE, data, at)
        if at < len(data) and data[at] == ">":
            self.state = "raw" if self.element in _RAW_ELEMENTS else "text"
            return at + 1
        if at < len(data):
            self.state, self.attribute = "name", ""
            return at + 1 if data[at] == "=" else at
        return at

    def _name(self, data: str, at: int) -> int:
        end = _end(_ATTRIBUTE, data, at)
        self.attribute += data[at:end].lower()
        end = _end(_BLANK, data, end)
        if end < len(data):
            self.state = "equals" if data[end] == "=" else "tag"
            return end + 1 if data[end] == "=" else end
        return end

    def _equals(self, data: str, at: int) -> int:
        at = _end(_BLANK, data, at)
        if at == len(data):
            return at
        self.value = ""
        self.state = {'"': "double", "'": "single"}.get(data[at], "unquoted")
        return at if self.state == "unquoted" else at + 1

    def _quoted(self, data: str, at: int, mark: str) -> int:
        end = data.find(mark, at)
        self.value += data[at : len(data) if end < 0 else end]
        if end < 0:
            return len(data)
        self.state = "tag"
        return end + 1

    def _double(self, data: str, at: int) -> int:
        return self._quoted(data, at, '"')

    def _single(self, data: str, at: int) -> int:
        return self._quoted(data, at, "'")

    def _unquoted(self, data: str, at: int) -> int:
        end = _end(_UNQUOTED, data, at)
        if end < len(data):
            self.state = "tag"
        return end

    def _comment(self, data: str, at: int) -> int:
        end = data.find("-->", at)
        if end < 0:
            return len(data)
        self.state = "text"
        return end + 3

    def _raw(self, data: str, at: int) -> int:
        end = data.lower().find(f"</{self.element}", at)
        if end < 0:
            return len(data)
        self.state, self.element = "open", ""
        return end + 1


def _end(pattern: re.Pattern[str], data: str, at: int) -> int:
    match = pattern.match(data, at)
    return match.end() if match else at


class Placing:
    """Walks the tree of an HTML template and wraps every printed value into the writer of its place."""

    def __init__(self) -> None:
        self._scanner = Scanner()

    def run(self, body: list[nodes.Node]) -> Iterator[Problem]:
        """Changes the tree in place; yields what is refused."""
        for node in body:
            if isinstance(node, nodes.Output):
                yield from self._output(node)
            elif isinstance(node, nodes.If):
                yield from self._blocks(node, [node.body, *(branch.body for branch in node.elif_), node.else_])
            elif isinstance(node, nodes.For):
                yield from self._blocks(node, [node.body, node.else_])

    def _output(self, node: nodes.Output) -> Iterator[Problem]:
        for index, child in enumerate(node.nodes):
            if isinstance(child, nodes.TemplateData):
                self._scanner.feed(child.data)
                continue
            writer = self._writer()
            if writer is None:
                yield Problem("place_refused", _REFUSED, child.lineno or 1)
                continue
            node.nodes[index] = wrapped(writer, child)
            if self._scanner.state in ("double", "single"):
                self._scanner.value += "\ue000"

    def _writer(self) -> str | None:
        scanner = self._scanner
        if scanner.state in ("text", "comment"):
            return escaping.HTML
        if scanner.state == "raw":
            return escaping.HTML if scanner.element in ("title", "textarea") else None
        if scanner.state not in ("double", "single") or scanner.attribute.startswith("on"):
            return None
        if scanner.attribute == "style":
            return escaping.CSS
        return _url_writer(scanner.value) if scanner.attribute in _URL_ATTRIBUTES else escaping.HTML

    def _blocks(self, node: nodes.Node, bodies: list[list[nodes.Node]]) -> Iterator[Problem]:
        spot, value = self._scanner.spot, self._scanner.value
        inside = spot[0] in ("text", "comment", "double", "single") or (spot[0] == "raw" and spot[1] == "title")
        if not inside:
            yield Problem("place_refused", _BLOCK_REFUSED, node.lineno or 1)
            return
        for body in bodies:
            self._scanner.value = value
            yield from self.run(body)
            if self._scanner.spot != spot:
                yield Problem(
                    "unbalanced", "a block ends in another place of the HTML than it begins", node.lineno or 1
                )
                return


_REFUSED = "a value may stand between tags or inside a quoted attribute, not in a tag, a script or a style"
_BLOCK_REFUSED = "a block may stand around whole tags or inside a quoted attribute, not between attributes"


def _url_writer(value: str) -> str | None:
    """The writer for a value behind what an address already holds; a host cannot be pieced together."""
    if not value.strip():
        return escaping.URL
    if _AT_HOST.fullmatch(value) and "\ue000" not in value:
        return None
    return escaping.QUERY if "?" in value or "#" in value else escaping.PATH


def wrapped(writer: str, expression: nodes.Expr) -> nodes.Filter:
    """The expression, printed by a writer."""
    return nodes.Filter(
        expression, writer, [], [], None, None, lineno=expression.lineno, environment=expression.environment
    )


def place_text(body: list[nodes.Node], writer: str) -> None:
    """The same for a text without places: every value gets the one writer."""
    for node in body:
        for output in [node] if isinstance(node, nodes.Output) else node.find_all(nodes.Output):
            output.nodes = [c if isinstance(c, nodes.TemplateData) else wrapped(writer, c) for c in output.nodes]
