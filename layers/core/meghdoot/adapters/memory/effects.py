"""The hook of memory adapters: told before and after each effect, so that a test can end a process at any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Io = Callable[[str], None]
"""Gets `before <name>` and `after <name>`; another hook may get `in <name>` between the parts of a batch."""


def silent(_name: str) -> None:
    """The hook of those who watch nothing."""


class effect:  # noqa: N801 - reads as a word of the language: `with effect(io, "take"):`
    """Tells the hook before and after an effect; an effect that raises has no after."""

    __slots__ = ("_io", "_name")

    def __init__(self, io: Io, name: str) -> None:
        self._io = io
        self._name = name

    def __enter__(self) -> None:
        self._io("before " + self._name)

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            self._io("after " + self._name)
