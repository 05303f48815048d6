"""Domains where nobody reads mail: a test-only tenant reaches no other."""

from __future__ import annotations

# RFC 2606 and RFC 6761; the last one is Amazon SES's own simulator.
_NAMES = ("example.com", "example.net", "example.org", "simulator.amazonses.com")
_TOP_LEVELS = ("test", "example", "invalid", "localhost")


def is_reserved(address: str) -> bool:
    """Whether mail to the address reaches no person."""
    domain = address.rpartition("@")[2].lower().rstrip(".")
    return domain.rpartition(".")[2] in _TOP_LEVELS or any(
        domain == name or domain.endswith(f".{name}") for name in _NAMES
    )
