"""Works out at compile time all that is the same for everybody: what remains is text and what depends on a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import UndefinedError

from meghdoot.areas.content.program import MAX_OUTPUT, RenderFailed
from meghdoot.areas.content.sandbox import PlainEnvironment, free_names


@dataclass(frozen=True, slots=True)
class Value:
    """A value to print for each person."""

    expression: nodes.Expr


@dataclass(frozen=True, slots=True)
class Branch:
    """`if` and `elif` with their bodies, and the body of `else`, to decide for each person."""

    tests: tuple[nodes.Expr, ...]
    bodies: tuple[list[Piece], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop over a person's own list; the bodies are the loop's and that of an empty list."""

    target: str
    over: nodes.Expr
    bodies: tuple[list[Piece], ...]


Piece = str | Value | Branch | Loop


def rebuilt(node: Any, known: Mapping[str, Any]) -> Any:
    """A copy of an expression in which known variables stand as constants."""
    if isinstance(node, list):
        return [rebuilt(inner, known) for inner in node]
    if not isinstance(node, nodes.Node):
        return node
    if isinstance(node, nodes.Name) and node.name in known:
        return nodes.Const(known[node.name], lineno=node.lineno, environment=node.environment)
    fields = [rebuilt(getattr(node, name), known) for name in node.fields]
    return type(node)(*fields, lineno=node.lineno, environment=node.environment)


def _cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


class Folder:
    """Folds a checked tree over known values. Raises RenderFailed where a value that must be there is not."""

    def __init__(self, env: PlainEnvironment) -> None:
        self._env = env
        self._context = nodes.EvalContext(env)
        self._grown = 0

    def fold(self, body: Sequence[nodes.Node], known: Mapping[str, Any]) -> list[Piece]:
        """The pieces of a body; neighbouring texts are joined."""
        pieces: list[Piece] = []
        for node in body:
            for piece in self._node(node, known):
                if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
                    pieces[-1] += piece
                elif piece != "":
                    pieces.append(piece)
        return pieces

    def _node(self, node: nodes.Node, known: Mapping[str, Any]) -> list[Piece]:
        if isinstance(node, nodes.Output):
            return [self._printed(child, known) for child in node.nodes]
        if isinstance(node, nodes.If):
            return self._if(node, known)
        if isinstance(node, nodes.For):
            return self._for(node, known)
        raise TypeError(f"{type(node).__name__} passed the check and cannot be folded")

    def _printed(self, node: nodes.Expr, known: Mapping[str, Any]) -> Piece:
        if isinstance(node, nodes.TemplateData):
            return self._counted(str(node.data))
        expression = rebuilt(node, known)
        if any(free_names(expression)):
            return Value(expression)
        return self._counted(str(self._constant(expression)))

    def _counted(self, text: str) -> str:
        self._grown += len(text)
        if self._grown > MAX_OUTPUT:
            raise RenderFailed(f"the text grew beyond {MAX_OUTPUT} characters")
        return text

    def _constant(self, expression: nodes.Expr) -> Any:
        try:
            return expression.as_const(self._context)
        except nodes.Impossible as e:
            cause = _cause(e)
            if isinstance(cause, RenderFailed):
                raise cause from e
            detail = cause.message if isinstance(cause, UndefinedError) else "a value does not fit its use"
            raise RenderFailed(f"line {expression.lineno}: {detail}") from e

    def _if(self, node: nodes.If, known: Mapping[str, Any]) -> list[Piece]:
        tests: list[nodes.Expr] = []
        bodies: list[list[Piece]] = []
        for branch in (node, *node.elif_):
            test = rebuilt(branch.test, known)
            if any(free_names(test)):
                tests.append(test)
                bodies.append(self.fold(branch.body, known))
            elif self._constant(test):
                return self._decided(tests, bodies, self.fold(branch.body, known))
        return self._decided(tests, bodies, self.fold(node.else_, known))

    def _decided(self, tests: list[nodes.Expr], bodies: list[list[Piece]], last: list[Piece]) -> list[Piece]:
        return [Branch(tuple(tests), (*bodies, last))] if tests else last

    def _for(self, node: nodes.For, known: Mapping[str, Any]) -> list[Piece]:
        target, over = str(getattr(node.target, "name", "")), rebuilt(node.iter, known)
        if any(free_names(over)):
            inner = {name: value for name, value in known.items() if name not in (target, "loop")}
            return [Loop(target, over, (self.fold(node.body, inner), self.fold(node.else_, known)))]
        items = self._constant(over)
        if not isinstance(items, list | tuple):
            raise RenderFailed(f"line {node.lineno}: a loop needs a list")
        pieces: list[Piece] = []
        for index, item in enumerate(items):
            last = index == len(items) - 1
            loop = {"index": index + 1, "index0": index, "first": index == 0, "last": last, "length": len(items)}
            pieces += self.fold(node.body, {**known, target: item, "loop": loop})
        return pieces if items else self.fold(node.else_, known)
