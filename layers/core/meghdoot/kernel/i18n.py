"""Languages that content comes in."""

from __future__ import annotations

import unicodedata
from typing import Literal, TypeVar

Language = Literal["en", "bn"]
LANGUAGES: tuple[Language, ...] = ("en", "bn")

T = TypeVar("T")

_BANGLA_DIGITS = str.maketrans("০১২৩৪৫৬৭৮৯", "0123456789")


def ascii_digits(text: str) -> str:
    """Bangla digits as ASCII digits; all else stays."""
    return text.translate(_BANGLA_DIGITS)


def nfc(text: str) -> str:
    """Canonical composition (NFC), so that equal texts are equal bytes."""
    return unicodedata.normalize("NFC", text)


def has_forbidden_characters(text: str) -> bool:
    """NUL, other C0 controls but tab and newline, lone surrogates, and bidirectional overrides that hide what is read."""
    return any(
        (ord(ch) < 32 and ch not in "\t\n\r")
        or 0xD800 <= ord(ch) <= 0xDFFF
        or ch in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
        for ch in text
    )


def zone_exists(name: str) -> bool:
    """Whether the name is an IANA time zone."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return "/" in name or name == "UTC"
