"""From pieces to a program: plain variables become slots, blocks become small Jinja2 templates of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, nodes
from jinja2.exceptions import UndefinedError

from meghdoot.areas.content.escaping import WRITERS
from meghdoot.areas.content.fold import Branch, Loop, Piece, Value
from meghdoot.areas.content.program import MAX_OUTPUT, Evaluate, Lookup, Program, RenderFailed
from meghdoot.areas.content.sandbox import PlainEnvironment


def to_program(pieces: list[Piece], env: PlainEnvironment) -> Program:
    """Lower pieces; a variable that is printed alike in several places gets one slot."""
    parts: list[str | int] = []
    slots: list[Evaluate] = []
    known: dict[Any, int] = {}
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece)
            continue
        key = repr(piece)
        if key not in known:
            known[key] = len(slots)
            slots.append(_slot(piece, env))
        parts.append(known[key])
    return Program(tuple(parts), tuple(slots))


def _slot(piece: Piece, env: PlainEnvironment) -> Evaluate:
    if isinstance(piece, Value) and isinstance(piece.expression, nodes.Filter):
        writer, path = piece.expression.name, _path(piece.expression.node)
        if path is not None:
            return Lookup(path, writer, WRITERS[writer])
    return _rendered([piece], env)


def _path(node: nodes.Expr | None) -> tuple[str, ...] | None:
    """`attributes.tier` as ("attributes", "tier"); None for anything else than names."""
    names: list[str] = []
    while isinstance(node, nodes.Getattr):
        names.insert(0, node.attr)
        node = node.node
    return (node.name, *names) if isinstance(node, nodes.Name) else None


def _rendered(pieces: list[Piece], env: PlainEnvironment) -> Evaluate:
    """A slot that Jinja2 renders, read piece by piece so that it can be stopped."""
    tree = nodes.Template(_tree(pieces), lineno=1)
    tree.set_environment(env)
    template = JinjaTemplate.from_code(env, env.compile(tree), {})

    def evaluate(context: Mapping[str, Any]) -> str:
        size, out = 0, []
        try:
            for text in template.generate(context):
                size += len(text)
                if size > MAX_OUTPUT:
                    raise RenderFailed(f"the text grew beyond {MAX_OUTPUT} characters")
                out.append(text)
        except UndefinedError as e:
            raise RenderFailed(e.message or "a variable is missing") from e
        except (TemplateError, TypeError, ValueError, ArithmeticError) as e:
            raise RenderFailed("a value does not fit its use") from e
        return "".join(out)

    return evaluate


def _tree(pieces: list[Piece]) -> list[nodes.Node]:
    return [_node(piece) for piece in pieces]


def _node(piece: Piece) -> nodes.Node:
    if isinstance(piece, str):
        return nodes.Output([nodes.TemplateData(piece, lineno=1)], lineno=1)
    if isinstance(piece, Value):
        return nodes.Output([piece.expression], lineno=1)
    if isinstance(piece, Loop):
        target = nodes.Name(piece.target, "store", lineno=1)
        body, empty = (_tree(body) for body in piece.bodies)
        return nodes.For(target, piece.over, body, empty, None, False, lineno=1)
    return _if_node(piece)


def _if_node(piece: Branch) -> nodes.Node:
    first, *others = zip(piece.tests, piece.bodies, strict=False)
    branches = [nodes.If(test, _tree(body), [], [], lineno=1) for test, body in others]
    return nodes.If(first[0], _tree(first[1]), branches, _tree(piece.bodies[-1]), lineno=1)
