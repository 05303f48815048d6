"""Cursors: a store's own position, signed for one tenant and one list, for 24 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from meghdoot.kernel.errors import Malformed
from meghdoot.kernel.ids import digest
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.tokens import seal, unseal

LIFETIME = timedelta(hours=24)


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
