"""A backup of stores in memory, and a restore that puts back what they held: in place, as under a table's own name."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any


class Backup:
    """What the dictionaries of some stores held at one moment."""

    def __init__(self, stores: Iterable[Any]) -> None:
        self._kept = [(found, deepcopy(found)) for store in stores for found in _held(store)]

    def restore(self) -> None:
        """Put it back; whatever came since is gone."""
        for live, kept in self._kept:
            live.clear()
            live.update(deepcopy(kept))


def _held(store: Any) -> list[dict[Any, Any]]:
    return [value for value in vars(store).values() if isinstance(value, dict)]
