"""A Merkle tree as RFC 6962 section 2.1 defines it (RFC 9162 section 2.1.1 says the same), over SHA-256.

A leaf is hashed behind the byte 0, a node behind the byte 1, so that no leaf can pass for a node. The left side of a tree
of n leaves holds the largest power of two that is smaller than n.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's data."""
    return sha256(_LEAF + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over the data of all leaves, in order; of none it is the hash of nothing."""
    if not leaves:
        return sha256().digest()
    # The tree of the RFC, from below: neighbours join, and one that is left over rises as it is.
    level = [leaf_hash(data) for data in leaves]
    while len(level) > 1:
        joined = [sha256(_NODE + level[n] + level[n + 1]).digest() for n in range(0, len(level) - 1, 2)]
        level = joined + level[len(level) & ~1 :]
    return level[0]
