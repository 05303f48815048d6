"""Templates that can neither escape nor hang: an allow-list on the syntax tree when saved, plain data when rendered.

Jinja2's own sandbox stops escapes, not bombs (`'A' * 200000000`, nested `range`), and lets methods of passed objects be
called. So only printing, `if`, `for` over data, comparisons and a closed list of filters are accepted, and lookups
see maps and lists alone, never attributes of Python objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import SandboxedEnvironment

from meghdoot.areas.content.escaping import WRITER_FILTERS
from meghdoot.areas.content.filters import FILTER_NAMES, filters_for
from meghdoot.areas.content.syntax import TemplateSyntax, to_jinja
from meghdoot.kernel.i18n import Language, has_forbidden_characters

MAX_SOURCE = 256 * 1024
MAX_TAGS = 1000
MAX_TAG_TOKENS = 200
MAX_BRACKETS = 10
MAX_NESTING = 12
MAX_LOOPS = 2
_TAG_WORDS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
_LOOP_FIELDS = frozenset({"index", "index0", "first", "last", "length"})
_RESERVED = frozenset({"self", "super", "caller", "varargs", "kwargs", "loop"})
_PRIVATE_USE = frozenset("\ue000\ue001\ue002\ue003")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text is refused as a template."""

    code: str
    message: str
    line: int


class Missing(Undefined):
    """A value that is not there: false in a condition, equal to nothing, and an error wherever it would be printed."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, _other: object) -> bool:
        return False

    def __ne__(self, _other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return id(type(self))

    def __str__(self) -> str:
        self._fail_with_undefined_error()

    def __len__(self) -> int:
        self._fail_with_undefined_error()

    def __iter__(self) -> Iterator[Any]:
        self._fail_with_undefined_error()


class PlainEnvironment(SandboxedEnvironment):
    """Looks things up in maps and lists only, and calls nothing."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._look_up(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._look_up(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return False

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def _look_up(self, obj: Any, key: Any) -> Any:
        if isinstance(obj, Mapping) and isinstance(key, str) and key in obj:
            return obj[key]
        if isinstance(obj, list | tuple) and isinstance(key, int) and -len(obj) <= key < len(obj):
            return obj[key]
        if isinstance(obj, LoopContext) and key in _LOOP_FIELDS:
            return getattr(obj, key)
        return self.undefined(name=str(key))


@cache
def environment(language: Language, html: bool) -> PlainEnvironment:
    """The environment of a language; with autoescape for HTML."""
    env = PlainEnvironment(autoescape=html, undefined=Missing, keep_trailing_newline=True, cache_size=0)
    env.globals.clear()
    env.tests.clear()
    env.filters.clear()
    env.filters.update(filters_for(language))
    env.filters.update(WRITER_FILTERS)
    return env


def problems(source: str) -> tuple[Problem, ...]:
    """Everything that keeps a text from being a template; empty when it is one."""
    _, found = _read(source)
    return found


def parse(source: str) -> nodes.Template:
    """The syntax tree of a checked text. Raises TemplateSyntax with the first problem."""
    tree, found = _read(source)
    if tree is None or found:
        raise TemplateSyntax(found[0].message, found[0].line)
    return tree


def _read(source: str) -> tuple[nodes.Template | None, tuple[Problem, ...]]:
    if len(source) > MAX_SOURCE:
        return None, (Problem("too_large", f"a template has at most {MAX_SOURCE // 1024} KB", 1),)
    if has_forbidden_characters(source) or not _PRIVATE_USE.isdisjoint(source):
        return None, (Problem("forbidden_character", "control and direction-override characters are refused", 1),)
    if source.count("{{") + source.count("{%") > MAX_TAGS:
        return None, (Problem("too_complex", f"a template has at most {MAX_TAGS} tags", 1),)
    env = environment("en", html=False)
    try:
        translated = to_jinja(source)
        if found := tuple(_token_problems(env, translated)):
            return None, found
        tree = env.parse(translated)
    except TemplateSyntaxError as e:
        return None, (Problem("syntax_error", e.message or "this is no template", e.lineno),)
    except TemplateSyntax as e:
        return None, (Problem("syntax_error", str(e), e.line),)
    except (RecursionError, ValueError, OverflowError):
        return None, (Problem("too_complex", "an expression is nested too deeply or a number is too long", 1),)
    return tree, tuple(_Check().run(tree))


def _token_problems(env: PlainEnvironment, source: str) -> Iterator[Problem]:
    """Bounds that hold before the parser recurses: tokens in a tag, brackets, nesting, words of tags."""
    tokens = brackets = nesting = 0
    word_comes = False
    for line, kind, value in env.lex(source):
        if kind in ("data", "whitespace", "comment", "comment_begin", "comment_end"):
            continue
        if kind in ("variable_begin", "block_begin", "raw_begin"):
            tokens, brackets, word_comes = 0, 0, kind != "variable_begin"
        elif word_comes:
            word_comes = False
            if value not in _TAG_WORDS:
                yield Problem("tag_refused", f"{{% {value[:40]} %}} is not available in templates", line)
                return
            nesting += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(value, 0)
        tokens += 1
        brackets += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(value, 0) if kind == "operator" else 0
        if problem := _too_much(tokens, brackets, nesting):
            yield Problem("too_complex", problem, line)
            return


def _too_much(tokens: int, brackets: int, nesting: int) -> str | None:
    if tokens > MAX_TAG_TOKENS or brackets > MAX_BRACKETS:
        return "an expression is too long or has too many brackets"
    return f"blocks are nested deeper than {MAX_NESTING}" if nesting > MAX_NESTING else None


class _Check:
    """Walks a tree and reports every node that is not on the list."""

    def __init__(self) -> None:
        self._loops: list[str] = []

    def run(self, node: nodes.Node) -> Iterator[Problem]:
        visit = getattr(self, f"_{type(node).__name__.lower()}", None)
        if visit is None:
            yield self._no(node, f"{type(node).__name__} is not available in templates")
        else:
            yield from visit(node)

    def _no(self, node: nodes.Node, message: str, code: str = "refused") -> Problem:
        return Problem(code, message, node.lineno or 1)

    def _children(self, node: nodes.Node) -> Iterator[Problem]:
        for child in node.iter_child_nodes():
            yield from self.run(child)

    _template = _output = _if = _compare = _operand = _and = _or = _not = _children

    def _templatedata(self, _node: nodes.Node) -> Iterator[Problem]:
        return iter(())

    def _const(self, node: nodes.Const) -> Iterator[Problem]:
        if not isinstance(node.value, str | int | float | bool):
            yield self._no(node, "only texts, numbers, true and false can stand in a template")

    def _neg(self, node: nodes.Neg) -> Iterator[Problem]:
        if not (isinstance(node.node, nodes.Const) and isinstance(node.node.value, int | float)):
            yield self._no(node, "a minus stands only before a number")

    def _name(self, node: nodes.Name) -> Iterator[Problem]:
        inside_loop = node.name == "loop" and self._loops
        if node.name.startswith("_") or (node.name in _RESERVED and not inside_loop):
            yield self._no(node, f"{node.name} is not available in templates")

    def _getattr(self, node: nodes.Getattr) -> Iterator[Problem]:
        if node.attr.startswith("_"):
            yield self._no(node, f".{node.attr} is not available in templates")
        if isinstance(node.node, nodes.Name) and node.node.name == "loop" and node.attr not in _LOOP_FIELDS:
            yield self._no(node, f"loop has no {node.attr}")
        yield from self._path(node.node)

    def _getitem(self, node: nodes.Getitem) -> Iterator[Problem]:
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        if isinstance(key, bool) or not isinstance(key, str | int) or (isinstance(key, str) and key.startswith("_")):
            yield self._no(node, "only a plain text or number can stand in [ ]")
        yield from self._path(node.node)

    def _path(self, node: nodes.Node) -> Iterator[Problem]:
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            yield from self.run(node)
        else:
            yield self._no(node, "only a variable has fields")

    def _filter(self, node: nodes.Filter) -> Iterator[Problem]:
        if node.name not in FILTER_NAMES:
            yield self._no(node, f"there is no filter {node.name}", "unknown_filter")
        if node.kwargs or node.dyn_args or node.dyn_kwargs or node.node is None:
            yield self._no(node, "filters take plain arguments without names")
            return
        yield from self._children(node)

    def _for(self, node: nodes.For) -> Iterator[Problem]:
        if node.recursive or node.test or not isinstance(node.target, nodes.Name):
            yield self._no(node, "a loop is {% for name in list %}")
            return
        if not isinstance(node.iter, nodes.Name | nodes.Getattr | nodes.Getitem):
            yield self._no(node, "a loop runs over a variable")
        if len(self._loops) >= MAX_LOOPS:
            yield self._no(node, f"loops are nested deeper than {MAX_LOOPS}")
            return
        yield from self.run(node.target)
        yield from self.run(node.iter)
        self._loops.append(node.target.name)
        for child in node.body:
            yield from self.run(child)
        self._loops.pop()
        for child in node.else_:
            yield from self.run(child)


def free_names(tree: nodes.Node, bound: frozenset[str] = frozenset()) -> Iterator[tuple[str, int]]:
    """Variables that a tree takes from outside, with their lines; `attributes.tier` counts as `attributes`."""
    if isinstance(tree, nodes.Name):
        if tree.name not in bound:
            yield tree.name, tree.lineno or 1
        return
    if isinstance(tree, nodes.For) and isinstance(tree.target, nodes.Name):
        yield from free_names(tree.iter, bound)
        inner = bound | {tree.target.name, "loop"}
        for child in tree.body:
            yield from free_names(child, inner)
        for child in tree.else_:
            yield from free_names(child, bound)
        return
    for child in tree.iter_child_nodes():
        yield from free_names(child, bound)
