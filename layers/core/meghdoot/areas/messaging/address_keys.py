"""The keyed digest under which messaging suppresses an address: the same as that of the profile that holds it."""

from __future__ import annotations

from dataclasses import dataclass

from meghdoot.areas.customers.rules import address_key
from meghdoot.kernel.addresses import normalise_email
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.keyring import Keyring


@dataclass(frozen=True, slots=True)
class EmailKeys:
    """Keys of e-mail addresses under the current key."""

    keyring: Keyring

    def __call__(self, tenant: str, address: str) -> str:
        """The key of an address in any spelling that a provider may use, also of one that no profile could hold."""
        try:
            spelled = normalise_email(address)
        except Invalid:
            spelled = address.strip().lower()
        return address_key(self.keyring, "email", spelled)
