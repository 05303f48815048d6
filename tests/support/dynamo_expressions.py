"""Condition, key and update expressions and the statements of our adapters, compiled once a text into functions of an item."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

Item = dict[str, Any]
Names = Mapping[str, str]
Values = Mapping[str, Item]
Condition = Callable[[Item, Names, Values], bool]
Operand = Callable[[Item, Names, Values], Any]

_TOKEN = re.compile(r"\s*([#:]?\w+|<=|>=|<>|[=<>(),+-])")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def plain(value: Item | None) -> Any:
    """A typed value as something that can be compared; None for what is absent."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind == "N":
        return Decimal(content)
    return frozenset(content) if kind in ("SS", "NS") else content


@lru_cache(maxsize=256)
def condition(text: str) -> Condition:
    """The function of a condition. A comparison with something absent is false."""
    parser = _Parser(text)
    test = parser.any_of()
    parser.end()
    return test


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        if not token or (wanted is not None and token.upper() != wanted):
            raise ValueError(f"{wanted or 'more'} is missing in {self._text!r}")
        self._at += 1
        return token

    def end(self) -> None:
        if self.peek():
            raise ValueError(f"{self.peek()} is left over in {self._text!r}")

    def any_of(self) -> Condition:
        tests = [self._all_of()]
        while self.peek().upper() == "OR":
            self.take()
            tests.append(self._all_of())
        return lambda i, n, v: any(test(i, n, v) for test in tests)

    def _all_of(self) -> Condition:
        tests = [self._one()]
        while self.peek().upper() == "AND":
            self.take()
            tests.append(self._one())
        return lambda i, n, v: all(test(i, n, v) for test in tests)

    def _one(self) -> Condition:
        word = self.peek()
        if word.upper() == "NOT":
            self.take()
            test = self._one()
            return lambda i, n, v: not test(i, n, v)
        if word == "(":
            self.take()
            inner = self.any_of()
            self.take(")")
            return inner
        return self._function() if word in _FUNCTIONS else self._comparison()

    def _function(self) -> Condition:
        name = self.take()
        self.take("(")
        arguments = [self.operand()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.operand())
        self.take(")")
        test = _FUNCTIONS[name]
        return lambda i, n, v: test(*(argument(i, n, v) for argument in arguments))

    def _comparison(self) -> Condition:
        left, sign = self.operand(), self.take().upper()
        if sign == "BETWEEN":
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return lambda i, n, v: _between(left(i, n, v), low(i, n, v), high(i, n, v))
        right, compare = self.operand(), _COMPARE[sign]

        def test(i: Item, n: Names, v: Values) -> bool:
            a, b = left(i, n, v), right(i, n, v)
            return a is not None and b is not None and compare(a, b)

        return test

    def operand(self) -> Operand:
        word = self.take()
        if word.startswith(":"):
            return lambda _i, _n, v: plain(v[word])
        return lambda i, n, _v: plain(i.get(n.get(word, word)))


def _between(value: Any, low: Any, high: Any) -> bool:
    return value is not None and low <= value <= high


_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "contains": lambda value, part: value is not None and part in value,
    "begins_with": lambda value, start: value is not None and value.startswith(start),
}


def updated(text: str, item: Item, names: Names, values: Values) -> Item:
    """The item after SET (a value, a sum, if_not_exists), ADD, DELETE and REMOVE."""
    after = dict(item)
    clauses = re.split(r"\b(SET|ADD|DELETE|REMOVE)\b", text)[1:]
    for word, body in zip(clauses[::2], clauses[1::2], strict=True):
        for part in re.split(r",(?![^(]*\))", body):
            _CHANGES[word](part.strip(), item, after, names, values)
    return after


def _set(part: str, item: Item, after: Item, names: Names, values: Values) -> None:
    path, _, right = (piece.strip() for piece in part.partition("="))
    total: Item | None = None
    for sign, operand in re.findall(r"([+-]?)\s*(if_not_exists\([^)]*\)|[#:]?\w+)", right):
        value = _value(operand, item, names, values)
        if total is None:
            total = value
        else:
            change = Decimal(value["N"]) * (-1 if sign == "-" else 1)
            total = {"N": str(Decimal(total["N"]) + change)}
    after[names.get(path, path)] = total


def _value(operand: str, item: Item, names: Names, values: Values) -> Item:
    if operand.startswith("if_not_exists"):
        path, other = (piece.strip() for piece in operand[14:-1].split(","))
        found = item.get(names.get(path, path))
        return found if found is not None else values[other]
    found = values[operand] if operand.startswith(":") else item[names.get(operand, operand)]
    return dict(found)


def _add(part: str, item: Item, after: Item, names: Names, values: Values) -> None:
    path, value = part.split()
    name, added = names.get(path, path), values[value]
    if "N" in added:
        after[name] = {"N": str(Decimal(item.get(name, {}).get("N", "0")) + Decimal(added["N"]))}
    else:
        after[name] = {"SS": sorted({*item.get(name, {}).get("SS", ()), *added["SS"]})}


def _delete(part: str, item: Item, after: Item, names: Names, values: Values) -> None:
    path, value = part.split()
    name = names.get(path, path)
    left = sorted({*item.get(name, {}).get("SS", ())} - {*values[value]["SS"]})
    after.pop(name, None)
    if left:
        after[name] = {"SS": left}


def _remove(part: str, _item: Item, after: Item, names: Names, _values: Values) -> None:
    after.pop(names.get(part, part), None)


_CHANGES: dict[str, Callable[[str, Item, Item, Names, Values], None]] = {
    "SET": _set, "ADD": _add, "DELETE": _delete, "REMOVE": _remove,
}  # fmt: skip


# --- statements -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Statement:
    """INSERT or UPDATE. Parameters are positional: first those that are written, then those that are compared."""

    table: str
    inserts: bool
    written: tuple[str, ...]
    compared: tuple[tuple[str, str, Item | None], ...]
    """Attribute, sign (`contains` too) and the literal, None where a parameter stands."""
    returns: bool

    def place(self, values: Sequence[Item]) -> tuple[str, str]:
        """Partition and sort key."""
        known = self.changes(values) if self.inserts else self._comparands(values)
        return known["pk"]["S"], known["sk"]["S"]

    def changes(self, values: Sequence[Item]) -> Item:
        """What is written."""
        return dict(zip(self.written, values, strict=False))

    def allows(self, item: Item, values: Sequence[Item]) -> bool:
        """Whether every comparison holds."""
        known = self._comparands(values)
        return all(_holds(item.get(name), sign, known[name]) for name, sign, _ in self.compared)

    def _comparands(self, values: Sequence[Item]) -> Item:
        waiting = iter(values[len(self.written) :])
        return {name: literal if literal is not None else next(waiting) for name, _, literal in self.compared}


def _holds(value: Item | None, sign: str, other: Item) -> bool:
    if value is None:
        return False
    if sign == "=":
        return value == other or plain(value) == plain(other)
    if sign == "contains":
        return plain(other) in plain(value)
    return _COMPARE[sign](plain(value), plain(other))


_INSERT = re.compile(r"INSERT INTO \"([^\"]+)\" VALUE \{(.*)\}")
_UPDATE = re.compile(r"UPDATE \"([^\"]+)\" SET (.*?) WHERE (.*?)( RETURNING ALL NEW \*)?$")
_COMPARISON = re.compile(r"(contains\()?\"(\w+)\"\s*(=|<=|>=|<>|<|>|,)\s*(\?|'[^']*'|\d+)\)?")


@lru_cache(maxsize=256)
def statement(text: str) -> Statement:
    """A statement of ours. Raises ValueError for any other form."""
    if inserted := _INSERT.fullmatch(text):
        return Statement(inserted[1], True, tuple(re.findall(r"'(\w+)':\?", inserted[2])), (), returns=False)
    parsed = _UPDATE.fullmatch(text)
    if parsed is None:
        raise ValueError(f"this statement is none of ours: {text}")
    compared = tuple(
        (name, "contains" if function else sign, _literal(value))
        for function, name, sign, value in _COMPARISON.findall(parsed[3])
    )
    if len(compared) != parsed[3].count(" AND ") + 1:
        raise ValueError(f"a condition was not understood: {text}")
    return Statement(parsed[1], False, tuple(re.findall(r'"(\w+)"=\?', parsed[2])), compared, returns=bool(parsed[4]))


def _literal(value: str) -> Item | None:
    if value == "?":
        return None
    return {"S": value.strip("'")} if value.startswith("'") else {"N": value}
