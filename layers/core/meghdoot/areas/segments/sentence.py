"""A criteria tree as a sentence in English or Bangla: the third reader, for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from meghdoot.areas.segments.criteria import Condition, Group, parse
from meghdoot.areas.segments.fields import Field, find
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.i18n import Language

_SHOWN = 5
_NUMERIC = re.compile(r"-?[0-9]+([.-][0-9]+)*")
_BANGLA_DIGITS = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")

_EN = {
    "equals": "{label} is {value}", "not_equals": "{label} is not {value}",
    "in": "{label} is one of {value}", "not_in": "{label} is none of {value}",
    "contains": "{label} contains {value}", "starts_with": "{label} starts with {value}",
    "greater_than": "{label} is more than {value}", "greater_or_equal": "{label} is at least {value}",
    "less_than": "{label} is less than {value}", "less_or_equal": "{label} is at most {value}",
    "between": "{label} is from {low} to {high}",
    "exists": "{label} is known", "not_exists": "{label} is not known",
    "within_days": "{label} is within the last {value} days",
    "not_within_days": "{label} is not within the last {value} days",
    "before": "{label} is before {value}", "after": "{label} is after {value}",
    "true": "{label}: yes", "false": "{label}: no",
    "window": "{label} of the last {days} days", "amount": "{value} {currency}", "more": "{value} and {count} more",
    "AND": " and ", "OR": " or ", "whole": "Active customers where {body}.",
}  # fmt: skip
_BN = {
    "equals": "{label} {value}", "not_equals": "{label} {value} নয়",
    "in": "{label} এগুলোর একটি: {value}", "not_in": "{label} এগুলোর কোনোটি নয়: {value}",
    "contains": "{label}-এ {value} আছে", "starts_with": "{label} {value} দিয়ে শুরু",
    "greater_than": "{label} {value}-এর বেশি", "greater_or_equal": "{label} {value} বা তার বেশি",
    "less_than": "{label} {value}-এর কম", "less_or_equal": "{label} {value} বা তার কম",
    "between": "{label} {low} থেকে {high}",
    "exists": "{label} জানা আছে", "not_exists": "{label} জানা নেই",
    "within_days": "{label} গত {value} দিনের মধ্যে", "not_within_days": "{label} গত {value} দিনের মধ্যে নয়",
    "before": "{label} {value}-এর আগে", "after": "{label} {value}-এর পরে",
    "true": "{label}: হ্যাঁ", "false": "{label}: না",
    "window": "গত {days} দিনের {label}", "amount": "{value} {currency}", "more": "{value} এবং আরও {count}টি",
    "AND": " এবং ", "OR": " অথবা ", "whole": "সক্রিয় গ্রাহক, যাদের {body}।",
}  # fmt: skip
_WORDS: dict[Language, dict[str, str]] = {"en": _EN, "bn": _BN}


def sentence(raw: Mapping[str, Any], language: Language, currency: str) -> str:
    """The criteria in words. Raises Invalid for criteria that cannot be parsed, or a field that there is not."""
    group = parse(raw)
    words = _WORDS[language]
    return words["whole"].format(body=_group(group, language, currency))


def _group(group: Group, language: Language, currency: str) -> str:
    parts = []
    for child in group.conditions:
        if isinstance(child, Condition):
            parts.append(_condition(child, language, currency))
        else:
            inner = _group(child, language, currency)
            parts.append(f"({inner})" if len(child.conditions) > 1 else inner)
    return _WORDS[language][group.logic].join(parts)


def _condition(condition: Condition, language: Language, currency: str) -> str:
    field = find(condition.field)
    if field is None:
        raise Invalid.field("criteria", "unknown_field", f"there is no field {condition.field}")
    words = _WORDS[language]
    label = field.bn if language == "bn" else field.en
    if condition.within_days is not None:
        label = words["window"].format(days=_plain(condition.within_days, language), label=label)
    if isinstance(condition.value, bool):
        yes = condition.value == (condition.operator == "equals")
        return words["true" if yes else "false"].format(label=label)
    return words[condition.operator].format(label=label, **_values(condition, field, language, currency))


def _values(condition: Condition, field: Field, language: Language, currency: str) -> dict[str, str]:
    words, money = _WORDS[language], currency if field.kind == "money" else None

    def one(value: Any) -> str:
        text = _plain(value, language)
        return words["amount"].format(value=text, currency=money) if money else text

    if not isinstance(condition.value, list):
        return {"value": one(condition.value)}
    shown = [one(value) for value in condition.value]
    if condition.operator == "between" and len(shown) == 2:
        return {"low": shown[0], "high": shown[1]}
    text = ", ".join(shown[:_SHOWN])
    rest = len(shown) - _SHOWN
    return {"value": words["more"].format(value=text, count=_plain(rest, language)) if rest > 0 else text}


def _plain(value: Any, language: Language) -> str:
    if isinstance(value, str):
        return _digits(value, language) if _NUMERIC.fullmatch(value) else f"“{value}”"
    return _digits(str(value), language)


def _digits(text: str, language: Language) -> str:
    return text.translate(_BANGLA_DIGITS) if language == "bn" else text
