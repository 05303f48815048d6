"""Pages: some items and an opaque place to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items in order and `after`, the store's own position of the next page (None at the end).

    `after` is signed for a tenant and a list before it leaves the house (`http.paging`).
    """

    items: tuple[T, ...]
    after: str | None = None
