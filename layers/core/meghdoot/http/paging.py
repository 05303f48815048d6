"""Cursors: a store's own position, signed for one tenant and one list, for 24 hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from meghdoot.kernel.errors import Invalid, Malformed
from meghdoot.kernel.ids import digest
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.paging import MAX_LIMIT, Page
from meghdoot.kernel.tokens import seal, unseal

T = TypeVar("T")
Fetch = Callable[[int, str | None], Page[T]]
"""Reads a page: limit, position."""

LIFETIME = timedelta(hours=24)
MAX_NUMBERED = 10_000
"""Pages by number are for people who look around; programs follow cursors."""


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes and reads the cursors of one list of one tenant. `listing` names operation and filters."""

    keyring: Keyring
    tenant: str
    listing: str
    now: datetime

    @property
    def _purpose(self) -> str:
        # Tenant and list are part of what is signed, so another one's cursor is simply forged here.
        return f"cursor:{digest(self.tenant, self.listing)}"

    def write(self, after: str | None) -> str | None:
        """The cursor of a position; None at the end."""
        if after is None:
            return None
        expires = int((self.now + LIFETIME).timestamp())
        return seal(self.keyring, self._purpose, f"{expires}\n{after}".encode())

    def read(self, cursor: str | None) -> str | None:
        """The position, None for none. Raises Malformed (`bad_cursor`) for a forged, foreign or expired one."""
        if cursor is None:
            return None
        payload = unseal(self.keyring, self._purpose, cursor)
        if payload is None:
            raise bad_cursor()
        expires, _, after = payload.decode().partition("\n")
        if int(expires) < self.now.timestamp():
            raise bad_cursor()
        return after


def bad_cursor() -> Malformed:
    """The one answer for every cursor that does not open this list."""
    return Malformed(
        "`after` is not a cursor of this list, or is older than 24 hours",
        code="bad_cursor",
        hint="Start again without `after`, and keep the filters the same from page to page.",
    )


def numbered(cursors: Cursors, limit: int, after: str | None, number: int | None) -> int:
    """The page number that was asked for, by number or by a cursor that holds one; for lists that page by number.

    Raises Malformed (`bad_cursor`), and Invalid for both at once or for a number too far behind.
    """
    if number is None:
        position = cursors.read(after)
        return 1 if position is None else int(position)
    if after is not None:
        raise Invalid.field("page", "page_and_after", "is not taken together with `after`")
    if number * limit > MAX_NUMBERED:
        raise Invalid.field("page", "page_too_far", f"page * limit is at most {MAX_NUMBERED}; follow `after` instead")
    return number


def one_page(fetch: Fetch[T], cursors: Cursors, limit: int, after: str | None, number: int | None = None) -> Page[T]:
    """The page that was asked for by cursor or by number (from 1), with `after` as a cursor.

    Raises Malformed (`bad_cursor`), and Invalid for both at once or for a number too far behind.
    """
    if number is None:
        page = fetch(limit, cursors.read(after))
    else:
        page = _numbered(fetch, limit, (numbered(cursors, limit, after, number) - 1) * limit)
    return Page(page.items, cursors.write(page.after))


def _numbered(fetch: Fetch[T], limit: int, skip: int) -> Page[T]:
    after = None
    while skip > 0:
        passed = fetch(min(skip, MAX_LIMIT), after)
        skip -= len(passed.items)
        after = passed.after
        if after is None:
            return Page(())
    return fetch(limit, after)
