"""Dataclasses to JSON data and back with the standard library alone, for functions that must start fast.

It does what pydantic does with the dataclasses that we store (tests hold the two equal) in a small part of the import, and
raises `Unfit` where a class holds anything but texts, numbers, instants, decimals, lists, maps and dataclasses.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Convert = Callable[[Any], Any]
_SCALARS = {str, int, float, bool, type(None)}


class Unfit(TypeError):
    """A type or a value that this module does not know."""


def writer(hint: Any) -> Convert:
    """From a value of the annotated type to JSON data. Raises Unfit for a type that is not known."""
    return _writer(hint)


def reader(hint: Any) -> Convert:
    """The way back; the function raises ValueError for data that is none of the type's. Raises Unfit as `writer`."""
    return _reader(hint)


@cache
def _writer(hint: Any) -> Convert:
    return _of(hint, _WRITERS, _write_dataclass, writer, dumping=True)


@cache
def _reader(hint: Any) -> Convert:
    return _of(hint, _READERS, _read_dataclass, reader, dumping=False)


def _of(
    hint: Any, known: Mapping[Any, Convert], whole: Callable[[Any], Convert], inner: Any, *, dumping: bool
) -> Convert:
    if hint in known:
        return known[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return whole(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _same if dumping else _one_of(frozenset(arguments))
    if origin in (Union, types.UnionType):
        return _optional(arguments, inner)
    if origin in (tuple, Sequence, list) and len([a for a in arguments if a is not ...]) == 1:
        make = list if dumping or origin is list else tuple
        return _each(inner(arguments[0]), make)
    if origin in (Mapping, dict) and arguments[0] is str:
        return _values(inner(arguments[1]))
    raise Unfit(f"{hint} is not known here")


def _optional(arguments: tuple[Any, ...], inner: Callable[[Any], Convert]) -> Convert:
    others = [argument for argument in arguments if argument is not type(None)]
    if set(arguments) <= _SCALARS and len(others) > 1:
        return _scalar(frozenset(arguments))
    if len(others) != 1:
        raise Unfit(f"{arguments} is more than one type or None")
    convert = inner(others[0])
    return lambda value: None if value is None else convert(value)


def _scalar(allowed: frozenset[type]) -> Convert:
    def check(value: Any) -> Any:
        if type(value) not in allowed:
            raise ValueError("a single value is wanted")
        return value

    return check


def _each(convert: Convert, make: type) -> Convert:
    def items(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValueError("a list is wanted")
        return make([convert(item) for item in value])

    return items


def _values(convert: Convert) -> Convert:
    def entries(value: Any) -> Any:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise ValueError("a map by names is wanted")
        return {name: convert(item) for name, item in value.items()}

    return entries


def _write_dataclass(cls: Any) -> Convert:
    hints = get_type_hints(cls)
    columns = [(field.name, writer(hints[field.name])) for field in fields(cls)]
    return lambda value: {name: convert(getattr(value, name)) for name, convert in columns}


def _read_dataclass(cls: Any) -> Convert:
    hints = get_type_hints(cls)
    columns = [(field.name, reader(hints[field.name])) for field in fields(cls)]
    needed = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}

    def read(data: Any) -> Any:
        if isinstance(data, cls):
            return data
        if not isinstance(data, Mapping) or not needed <= data.keys():
            raise ValueError(f"this is no {cls.__name__}")
        return cls(**{name: convert(data[name]) for name, convert in columns if name in data})

    return read


def _same(value: Any) -> Any:
    return value


def _one_of(allowed: frozenset[Any]) -> Convert:
    def check(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"one of {sorted(map(str, allowed))} is wanted")
        return value

    return check


def _anything(value: Any) -> Any:
    """Plain data as it is; instants and decimals as text."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): _anything(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_anything(item) for item in value]
    convert = _WRITERS.get(type(value))
    if convert is None:
        raise Unfit(f"a {type(value).__name__} is no plain data")
    return convert(value)


def _instant_text(value: datetime) -> str:
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is wanted")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError("a whole number is wanted")
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is wanted")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is wanted")
    return value


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))


def _day(value: Any) -> date:
    return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(_text(value))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("a decimal is wanted")
    try:
        return Decimal(str(value))
    except InvalidOperation as e:
        raise ValueError("a decimal is wanted") from e


_WRITERS: dict[Any, Convert] = {
    str: _same, int: _same, float: _same, bool: _same, Any: _anything, datetime: _instant_text,
    date: date.isoformat, Decimal: str,
}  # fmt: skip
_READERS: dict[Any, Convert] = {
    str: _text, int: _whole, float: _number, bool: _flag, Any: _same, datetime: _instant, date: _day,
    Decimal: _decimal,
}  # fmt: skip
