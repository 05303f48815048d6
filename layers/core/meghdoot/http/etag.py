"""ETag and If-Match: a version of a thing as a strong entity tag (RFC 9110, sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

import re

from meghdoot.kernel.errors import Malformed

_TAG = re.compile(r'"([1-9][0-9]{0,9})"')


def etag(version: int) -> str:
    """`"7"` for version 7."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """The version that the caller has read; None for no header or `*`. Raises Malformed for anything else."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        raise Malformed(
            "If-Match must be one entity tag as an ETag header gave it",
            code="bad_if_match",
            hint='Such as `"3"`, or `*`.',
        )
    return int(match.group(1))
