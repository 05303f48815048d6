"""Tags of a message in the form of Amazon SES v2."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


def email_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in SES's form. Raises ValueError for a name or value that SES would refuse."""
    for name, value in tags.items():
        if not _TAG.fullmatch(name) or not _TAG.fullmatch(value):
            raise ValueError(f"the tag {name} has characters that come back in no event")
    return [{"Name": name, "Value": value} for name, value in tags.items()]
