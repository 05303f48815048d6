"""The closed list of filters. Each takes plain data, gives plain data, and cannot make much out of little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from jinja2.runtime import Undefined

from meghdoot.areas.content.program import RenderFailed
from meghdoot.kernel.i18n import Language
from meghdoot.kernel.money import exponent

_SYMBOLS = {"BDT": "৳", "USD": "$", "EUR": "€", "GBP": "£", "INR": "₹"}
_BANGLA_DIGITS = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")
_MONTHS: dict[Language, tuple[str, ...]] = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
    "bn": ("জানুয়ারি", "ফেব্রুয়ারি", "মার্চ", "এপ্রিল", "মে", "জুন", "জুলাই", "আগস্ট", "সেপ্টেম্বর", "অক্টোবর", "নভেম্বর", "ডিসেম্বর"),
}  # fmt: skip
_MAX_TEXT = 100_000


def text(value: Any) -> str:
    """A value as people read it. Raises RenderFailed for what is missing, None, a list or a map."""
    if type(value) is str:
        return value
    if isinstance(value, Undefined):
        raise RenderFailed(f"{value._undefined_name} is missing", str(value._undefined_name))
    if isinstance(value, bool) or value is None or not isinstance(value, str | int | float):
        raise RenderFailed(f"a value of type {type(value).__name__} cannot be printed")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(text(value).strip().replace(",", ""))
    except InvalidOperation as e:
        raise RenderFailed("this is not a number") from e
    if not number.is_finite() or abs(number) > Decimal(10) ** 18:
        raise RenderFailed("this number is too large")
    return number


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RenderFailed(f"a filter takes a whole number from {low} to {high} here")
    return value


def _default(value: Any, other: Any = "") -> Any:
    return other if isinstance(value, Undefined) or value is None or value == "" else value


def _round(value: Any, places: Any = 0) -> str:
    quantum = Decimal(1).scaleb(-_whole(places, 0, 6))
    return str(_number(value).quantize(quantum, rounding=ROUND_HALF_UP))


def _truncate(value: Any, length: Any = 255) -> str:
    full, limit = text(value), _whole(length, 1, 1000)
    return full if len(full) <= limit else full[: limit - 1].rstrip() + "…"


def _items(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise RenderFailed(text(value) and "this filter takes a list")


def _join(value: Any, between: Any = ", ") -> str:
    joined = text(between).join(text(item) for item in _items(value))
    if len(joined) > _MAX_TEXT:
        raise RenderFailed("the joined text is too long")
    return joined


def _length(value: Any) -> int:
    if isinstance(value, list | tuple | Mapping):
        return len(value)
    return len(text(value))


def _end_of(index: int) -> Callable[[Any], Any]:
    def pick(value: Any) -> Any:
        items: Any = value if isinstance(value, str) else _items(value)
        if not items:
            raise RenderFailed("the list is empty")
        return items[index]

    return pick


def _grouped(digits: str, language: Language) -> str:
    """1250000 as 1,250,000, and in Bangla by lakh and crore: 12,50,000."""
    head, tail = digits[:-3], digits[-3:]
    step = 2 if language == "bn" else 3
    groups: list[str] = []
    while head:
        groups.insert(0, head[-step:])
        head = head[:-step]
    return ",".join([*groups, tail])


def _money(language: Language) -> Callable[..., str]:
    def money(value: Any, currency: Any = "BDT") -> str:
        code = text(currency).upper()
        quantum = Decimal(1).scaleb(-exponent(code))
        amount = _number(value).quantize(quantum, rounding=ROUND_HALF_UP)
        whole, _, cents = str(abs(amount)).partition(".")
        shown = _grouped(whole, language) + (f".{cents}" if cents.strip("0") else "")
        if language == "bn":
            shown = shown.translate(_BANGLA_DIGITS)
        return ("-" if amount < 0 else "") + _SYMBOLS.get(code, f"{code[:3]} ") + shown

    return money


def _date(language: Language) -> Callable[..., str]:
    def show(value: Any, style: Any = "long") -> str:
        try:
            day: date = datetime.fromisoformat(text(value))
        except ValueError as e:
            raise RenderFailed("this is not a date (2026-02-28)") from e
        forms = {
            "long": f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}",
            "day": f"{day.day} {_MONTHS[language][day.month - 1]}",
            "short": f"{day:%d/%m/%Y}",
            "iso": f"{day:%Y-%m-%d}",
        }
        if style not in forms:
            raise RenderFailed("date takes 'long', 'day', 'short' or 'iso'")
        return forms[style].translate(_BANGLA_DIGITS) if language == "bn" else forms[style]

    return show


def filters_for(language: Language) -> dict[str, Callable[..., Any]]:
    """Name to filter, in the language's own digits and months."""
    return {
        "default": _default,
        "upper": lambda value: text(value).upper(),
        "lower": lambda value: text(value).lower(),
        "title": lambda value: text(value).title(),
        "capitalize": lambda value: text(value).capitalize(),
        "trim": lambda value: text(value).strip(),
        "escape": text,  # every value is escaped once, for its place, when it is printed
        "length": _length,
        "join": _join,
        "first": _end_of(0),
        "last": _end_of(-1),
        "round": _round,
        "date": _date(language),
        "money": _money(language),
        "truncate": _truncate,
    }


FILTER_NAMES = frozenset(filters_for("en"))
