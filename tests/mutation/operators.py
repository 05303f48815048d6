"""Small changes of a module's syntax tree, each of which ought to be noticed by a unit test."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = Callable[[ast.AST], ast.AST | None]
"""Given a copy of a node, the node to put in its place; None when nothing changes."""

_COMPARES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutation:
    """One change: where it is (function, or the module's own level) and how it reads."""

    module: str
    place: str
    """Qualified name of the function; for a constant of the module its name with `=` behind."""
    was: str
    now: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """As it stands in tables. Two equal changes in one function share it."""
        return f"{self.module.rpartition('meghdoot.areas.')[2]}:{self.place}: {self.was} -> {self.now}"


def _compare(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Compare):
        return None
    node.ops[0] = _COMPARES[type(node.ops[0])]()
    return node


def _arithmetic(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.BinOp | ast.AugAssign) or type(node.op) not in _ARITHMETIC:
        return None
    if isinstance(node, ast.BinOp) and any(isinstance(side, ast.JoinedStr) for side in (node.left, node.right)):
        return None
    node.op = _ARITHMETIC[type(node.op)]()
    return node


def _boolean(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.BoolOp):
        return None
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    return node


def _not_removed(node: ast.AST) -> ast.AST | None:
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else None


def _condition_negated(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.If | ast.IfExp | ast.While) or isinstance(node.test, ast.Constant):
        return None
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return node


def _one_more(node: ast.AST) -> ast.AST | None:
    return _number(node, 1)


def _one_less(node: ast.AST) -> ast.AST | None:
    return _number(node, -1)


def _number(node: ast.AST, step: int) -> ast.AST | None:
    if not isinstance(node, ast.Constant) or isinstance(node.value, str | bytes) or node.value in (None, Ellipsis):
        return None
    if isinstance(node.value, bool):
        return ast.Constant(not node.value) if step > 0 else None
    return ast.Constant(node.value + step)  # type: ignore[operator]


def _twin_called(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _TWINS:
        return None
    node.func.id = _TWINS[node.func.id]
    return node


def _constant_returned(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Return) or node.value is None or isinstance(node.value, ast.Constant):
        return None
    node.value = ast.Constant(None)
    return node


def _statement_removed(node: ast.AST) -> ast.AST | None:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    changes = isinstance(node, ast.AugAssign | ast.Delete | ast.Raise | ast.Continue | ast.Break)
    stores = isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)
    return ast.Pass() if is_call or changes or stores else None


OPERATORS: tuple[Change, ...] = (
    _compare, _arithmetic, _boolean, _not_removed, _condition_negated, _one_more, _one_less, _twin_called,
    _constant_returned, _statement_removed,
)  # fmt: skip


def mutations(module: str, source: str) -> Iterator[Mutation]:
    """Every change of every function and of every constant of the module. Texts, annotations and words of errors stay."""
    tree = ast.parse(source)
    for place, node, path in _places(tree):
        for change in OPERATORS:
            changed = change(copy.deepcopy(node))
            if changed is not None:
                yield Mutation(module, place, _said(node), _said(changed), _replaced(tree, path, changed))


Path = tuple[tuple[str, int | None], ...]


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST, Path]]:
    for number, top in enumerate(tree.body):
        path: Path = (("body", number),)
        if isinstance(top, ast.FunctionDef):
            yield from _inside(top, top.name, path)
        elif isinstance(top, ast.ClassDef):
            for inner, method in enumerate(top.body):
                if isinstance(method, ast.FunctionDef):
                    yield from _inside(method, f"{top.name}.{method.name}", (*path, ("body", inner)))
        elif isinstance(top, ast.Assign) and isinstance(top.targets[0], ast.Name):
            yield from (
                (f"{top.targets[0].id}=", node, where) for node, where in _walk(top.value, (*path, ("value", None)))
            )


def _inside(function: ast.FunctionDef, name: str, path: Path) -> Iterator[tuple[str, ast.AST, Path]]:
    for number, statement in enumerate(function.body):
        yield from ((name, node, where) for node, where in _walk(statement, (*path, ("body", number))))


def _walk(node: ast.AST, path: Path) -> Iterator[tuple[ast.AST, Path]]:
    """The node and all below it, but for what is only said: annotations, texts, and what an error tells."""
    yield node, path
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "op", "ops", "ctx") or isinstance(
            node, ast.JoinedStr | ast.Raise
        ):
            continue
        if isinstance(value, ast.AST):
            yield from _walk(value, (*path, (name, None)))
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _walk(item, (*path, (name, number)))


def _replaced(tree: ast.Module, path: Path, changed: ast.AST) -> ast.Module:
    whole = copy.deepcopy(tree)
    node: ast.AST = whole
    for name, number in path[:-1]:
        node = getattr(node, name) if number is None else getattr(node, name)[number]
    name, number = path[-1]
    if number is None:
        setattr(node, name, changed)
    else:
        getattr(node, name)[number] = changed
    return ast.fix_missing_locations(whole)


def _said(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())[:90]
