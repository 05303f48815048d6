"""The mission's template syntax (`{{#if}}`, `{{#each}}`) as Jinja2, line by line, so that errors keep their line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from meghdoot.areas.content.names import BUILT_IN

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_BLOCK = re.compile(r"\s*#(if|unless|each)\s+(.+?)\s*", re.DOTALL)
_END = re.compile(r"\s*/(if|unless|each)\s*")
_ELSE = re.compile(r"\s*else(?:\s+if\s+(.+?))?\s*", re.DOTALL)
_HEAD = re.compile(r"\s*((?:\.\./)*)(@?[A-Za-z]\w*)(.*)", re.DOTALL)
_WORDS = {"not", "true", "false", "none", "and", "or", "loop", "item"}
_LOOP_WORDS = {"@index": "loop.index0", "@first": "loop.first", "@last": "loop.last"}


class TemplateSyntax(Exception):
    """The text is no template; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class _Translation:
    """Walks the tags of one text. Inside `#each`, plain names mean fields of the item."""

    source: str
    open: list[tuple[str, int]] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return sum(word == "each" for word, _ in self.open)

    def text(self) -> str:
        translated = _TAG.sub(self._tag, self.source)
        if self.open:
            word, line = self.open[-1]
            raise TemplateSyntax(f"{{{{#{word}}}}} is never closed", line)
        return translated

    def _tag(self, match: re.Match[str]) -> str:
        inner, line = match[1], self.source.count("\n", 0, match.start()) + 1
        if inner.startswith("{"):
            raise TemplateSyntax("{{{ }}} would print without escaping; use {{ }}", line)
        if inner.lstrip().startswith("!"):
            return "{#" + inner.replace("#}", "# }").replace("{#", "{ #") + "#}"
        if begin := _BLOCK.fullmatch(inner):
            return self._begin(begin[1], begin[2], line)
        if end := _END.fullmatch(inner):
            return self._end(end[1], line)
        if self.open and (other := _ELSE.fullmatch(inner)):
            return "{% else %}" if other[1] is None else f"{{% elif {self._qualified(other[1])} %}}"
        return "{{" + (self._qualified(inner) if self.depth else inner) + "}}"

    def _begin(self, word: str, expression: str, line: int) -> str:
        qualified = self._qualified(expression)
        self.open.append((word, line))
        if word == "each":
            return f"{{% for this{self.depth} in {qualified} %}}"
        return f"{{% if {qualified} %}}" if word == "if" else f"{{% if not ({qualified}) %}}"

    def _end(self, word: str, line: int) -> str:
        if not self.open or self.open.pop()[0] != word:
            raise TemplateSyntax(f"{{{{/{word}}}}} closes nothing that is open here", line)
        return "{% endfor %}" if word == "each" else "{% endif %}"

    def _qualified(self, expression: str) -> str:
        match = _HEAD.fullmatch(expression)
        if match is None:
            return expression
        up, head, tail = match[1].count("../"), match[2], match[3]
        level = self.depth - up
        if head in _LOOP_WORDS:
            return f" {_LOOP_WORDS[head]}{tail}"
        if head == "not":
            return f" not {self._qualified(tail)}"
        if level <= 0 or head in _WORDS or (head in BUILT_IN and up == 0):
            return f" {head}{tail}"
        return f" this{level}{tail}" if head == "this" else f" this{level}.{head}{tail}"


def to_jinja(source: str) -> str:
    """The text with the mission's blocks as Jinja2; a text without them comes back as it is. Raises TemplateSyntax."""
    if "{{#" not in source.replace(" ", "") and "{{{" not in source and "{{!" not in source:
        return source
    return _Translation(source).text()
