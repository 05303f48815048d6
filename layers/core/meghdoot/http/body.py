"""Reading a body: limits before parsing, and JSON that is JSON.

Python's parser takes NaN, huge numbers, lone surrogates and doubled keys, and dies of deep nesting. None of this gets in.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from meghdoot.kernel.errors import FieldError, Invalid, Malformed, TooLarge
from meghdoot.kernel.i18n import has_forbidden_characters, nfc

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
_MAX_ERRORS = 50
_MAX_INTEGER = 10**18

# A whole string (closed or not: possessive, so never tried twice), or one bracket.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def check_size(raw: bytes) -> None:
    """Raises TooLarge over 256 KB, before anything is parsed."""
    if len(raw) > MAX_BYTES:
        raise TooLarge(
            f"the body has {len(raw)} bytes, at most {MAX_BYTES} are taken",
            hint="Send it in parts; a file may be imported in several requests.",
        )


def read_text(raw: bytes) -> str:
    """The body as text. Raises TooLarge, and Malformed when it is not UTF-8."""
    check_size(raw)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Malformed("the body is not UTF-8", code="not_utf8") from e


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        sign = match.group()[0]
        if sign in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed(f"the body nests deeper than {MAX_DEPTH} levels", code="nested_too_deep")
        elif sign in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise Malformed("an object names the same field twice", code="duplicate_field")
    return data


def read_json(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object with all text in NFC.

    Raises TooLarge, Malformed (not UTF-8, not JSON, not an object, nested too deep) and Invalid (fields with NaN, numbers
    out of range, or text with forbidden characters), before anything else looks at it.
    """
    text = read_text(raw)
    _check_depth(text)
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except ValueError as e:
        raise Malformed("the body is not JSON", code="not_json") from e
    if not isinstance(data, dict):
        raise Malformed("the body must be a JSON object", code="not_an_object")
    errors: list[FieldError] = []
    clean = _clean(data, "", errors)
    if errors:
        raise Invalid("the body holds values that cannot be taken", fields=tuple(errors[:_MAX_ERRORS]))
    return dict(clean)


def _clean(value: Any, at: str, errors: list[FieldError]) -> Any:
    """The value with all text in NFC; what cannot be taken is added to `errors`."""
    match value:
        case dict():
            return {_text(key, at, errors): _clean(item, _join(at, key), errors) for key, item in value.items()}
        case list():
            return [_clean(item, _join(at, str(n)), errors) for n, item in enumerate(value)]
        case str():
            return _text(value, at, errors)
        case bool() | None:
            return value
        case int() if abs(value) > _MAX_INTEGER:
            errors.append(FieldError(at, "number_out_of_range", "the number is too large"))
        case float() if not math.isfinite(value):
            errors.append(FieldError(at, "number_out_of_range", "NaN, Infinity and larger numbers are no JSON numbers"))
    return value


def _join(at: str, key: str) -> str:
    # A field name that is itself unfit to be shown is not repeated.
    shown = "?" if has_forbidden_characters(key) else key[:100]
    return f"{at}.{shown}" if at else shown


def _text(text: str, at: str, errors: list[FieldError]) -> str:
    if has_forbidden_characters(text):
        errors.append(FieldError(at, "forbidden_characters", "control, surrogate and direction-override characters"))
        return ""
    return nfc(text)
